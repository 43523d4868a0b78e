"""Binds pods to nodes, many in one commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from master.apiserver.registry import changes
from master.apiserver.registry.batch_commit import Result, Together
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from master.store.contract import Put
from master.store.errors import Mismatch
from podlab.api import kinds, names, times
from podlab.api.labels import REGION_LABEL, ZONE_LABEL
from podlab.api.objects import condition
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.errors import BadRequest, Conflict, NotFound
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2

_ATTEMPTS = 3
_TOPOLOGY = frozenset({ZONE_LABEL, REGION_LABEL})


class Binder:
    """Answers Bind."""

    def __init__(self, cache: Cache, clock: Callable[[], meta_pb2.Time] = times.now) -> None:
        self._cache = cache
        self._clock = clock
        self._pods, self._nodes = kinds.by_name("Pod"), kinds.by_name("Node")
        self._topology: dict[str, tuple[int, dict[str, str]]] = {}
        self._together = Together(cache, self._plan, self._bind_alone)

    async def bind(self, bindings: Sequence[apiserver_pb2.Binding]) -> list[Result]:
        """A result for each binding, in order. Each stands alone."""
        return await self._together.write(bindings)

    async def check(self, binding: apiserver_pb2.Binding) -> None:
        """Raises what the binding would be refused for."""
        await self._cache.catch_up()
        self._plan(binding)

    def _plan(self, binding: apiserver_pb2.Binding) -> tuple[Put]:
        if not binding.node_name:
            raise BadRequest(f'binding of pod "{binding.name}": node_name: Required value')
        if faults := names.rfc1123_subdomain(binding.node_name):
            told = f"Invalid value: {binding.node_name!r}: {faults[0]}"
            raise BadRequest(f'binding of pod "{binding.name}": node_name: {told}')
        key = keys.object_key(self._pods, binding.namespace, binding.name)
        entry = self._cache.get(self._pods, key)
        if entry is None:
            raise NotFound.of("pods", binding.name)
        pod = entry.message()
        assert isinstance(pod, pod_pb2.Pod)
        changes.check_preconditions(pod, binding.uid, "")
        assign(pod, binding.node_name, self._clock())
        pod.metadata.labels.update(self._topology_of(binding.node_name))
        pod.metadata.resourceVersion = ""
        return (Put(key, pod.SerializeToString(), entry.revision),)

    def _topology_of(self, name: str) -> dict[str, str]:
        """What pods on the node are labelled with: where it stands (KEP-4742). Remembered as long as it stays so."""
        entry = self._cache.get(self._nodes, keys.object_key(self._nodes, "", name))
        if entry is None:
            self._topology.pop(name, None)
            return {}
        revision, labels = self._topology.get(name, (0, {}))
        if revision != entry.revision:
            node = entry.message()
            assert isinstance(node, node_pb2.Node)
            labels = {key: value for key, value in node.metadata.labels.items() if key in _TOPOLOGY}
            self._topology[name] = entry.revision, labels
        return labels

    async def _bind_alone(self, binding: apiserver_pb2.Binding) -> int:
        for _ in range(_ATTEMPTS):
            await self._cache.catch_up()
            try:
                return await self._cache.store.commit(self._plan(binding))
            except Mismatch as error:
                await self._cache.reach(error.found)
        raise Conflict.of("pods/binding", binding.name)


def assign(pod: pod_pb2.Pod, node: str, now: meta_pb2.Time) -> None:
    """Give the pod its node, and say so in its conditions. Raises Conflict when it has one, or is going."""
    name = pod.metadata.name
    if pod.metadata.HasField("deletionTimestamp"):
        raise Conflict.of("pods/binding", name, f"pod {name} is being deleted, cannot be assigned to a host")
    if pod.spec.schedulingGates:
        raise Conflict.of("pods/binding", name, f"pod {name} has non-empty .spec.schedulingGates")
    if pod.spec.nodeName:
        raise Conflict.of("pods/binding", name, f'pod {name} is already assigned to node "{pod.spec.nodeName}"')
    pod.spec.nodeName = node
    scheduled = condition(pod.status.conditions, "PodScheduled") or pod.status.conditions.add(type="PodScheduled")
    if scheduled.status != "True":
        scheduled.status = "True"
        scheduled.lastTransitionTime.CopyFrom(now)
    scheduled.reason = scheduled.message = ""
