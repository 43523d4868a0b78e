"""Binds pods to nodes, many in one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from master.apiserver import keys
from master.apiserver.cache import Cache
from master.apiserver.registry import changes
from master.store.contract import Put
from master.store.errors import Mismatch
from podlab.api import kinds, names, times
from podlab.api.objects import condition
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError, BadRequest, Conflict, NotFound
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2

# All changes of a commit reach a watcher in one message, which must stay below gRPC's 4 MiB.
_COMMIT_PODS = 256
_COMMIT_BYTES = 1 << 20

Result = ApiError | int
"""Why a binding failed, or the pod's new revision."""


@dataclass(frozen=True, slots=True)
class _Planned:
    index: int
    put: Put


class Binder:
    """Answers Bind."""

    def __init__(self, cache: Cache, clock: Callable[[], meta_pb2.Time] = times.now) -> None:
        self._cache = cache
        self._clock = clock
        self._pods = kinds.by_name("Pod")

    async def bind(self, bindings: Sequence[apiserver_pb2.Binding], *, dry_run: bool = False) -> list[Result]:
        """A result for each binding, in order. Each stands alone."""
        await self._cache.catch_up()
        results: list[Result] = [0] * len(bindings)
        group: list[_Planned] = []
        named: set[str] = set()
        size = 0
        for index, binding in enumerate(bindings):
            try:
                put = self._plan(binding)
                if put.key in named:
                    raise Conflict.of("pods/binding", binding.name, "the request binds this pod twice")
            except ApiError as error:
                results[index] = error
                continue
            named.add(put.key)
            if dry_run:
                continue
            if group and (len(group) == _COMMIT_PODS or size + len(put.value) > _COMMIT_BYTES):
                await self._commit(group, bindings, results)
                group, size = [], 0
            group.append(_Planned(index, put))
            size += len(put.value)
        if group:
            await self._commit(group, bindings, results)
        return results

    def _plan(self, binding: apiserver_pb2.Binding) -> Put:
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
        pod.metadata.resourceVersion = ""
        return Put(key, pod.SerializeToString(), entry.revision)

    async def _commit(
        self, group: list[_Planned], bindings: Sequence[apiserver_pb2.Binding], results: list[Result]
    ) -> None:
        try:
            revision = await self._cache.store.commit([planned.put for planned in group])
        except Mismatch:
            # One of them was changed meanwhile: each for itself, so that the others are not held up.
            await asyncio.gather(*(self._commit_alone(bindings[one.index], one.index, results) for one in group))
        else:
            for planned in group:
                results[planned.index] = revision

    async def _commit_alone(self, binding: apiserver_pb2.Binding, index: int, results: list[Result]) -> None:
        why = Conflict.of("pods/binding", binding.name)
        for _ in range(3):
            await self._cache.catch_up()
            try:
                results[index] = await self._cache.store.commit([self._plan(binding)])
            except Mismatch as error:
                await self._cache.reach(error.found)
            except ApiError as error:
                results[index] = error
                return
            else:
                return
        results[index] = why


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
