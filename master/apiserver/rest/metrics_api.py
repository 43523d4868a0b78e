"""metrics.k8s.io: what nodes and pods use, as `kubectl top` and autoscalers ask for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from google.protobuf.message import Message

from master.apiserver import keys
from master.apiserver.cache import Cache
from master.apiserver.metering import Metering
from master.apiserver.rest import accept, answers, tables
from master.apiserver.rest.call import Call
from podlab.api import codec, kinds, selectors
from podlab.api.kinds import MEASURED, NODE_METRICS, Kind
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import NotFound
from podlab.meta.v1.meta_pb2 import Duration, ObjectMeta, Quantity, Time
from podlab.metrics.v1beta1.metrics_pb2 import ContainerMetrics, NodeMetrics, PodMetrics
from podlab.v1.kubelet_pb2 import PodUsage, StatsResponse

_ENDED = frozenset({"Succeeded", "Failed"})
_STORED = {NODE_METRICS: kinds.by_name("Node"), kinds.POD_METRICS: kinds.by_name("Pod")}
assert _STORED.keys() == set(MEASURED)


@dataclass(frozen=True, slots=True)
class _Measured:
    """One object's figures, ready to be shown as what they are or in a table."""

    figures: NodeMetrics | PodMetrics

    def message(self) -> Message:
        return self.figures

    def json_as(self, kind: Kind) -> bytes:
        return codec.to_json(self.figures)


@dataclass(frozen=True, slots=True)
class MetricsApi:
    """Answers for NodeMetrics and PodMetrics: of each node or pod that there is and that was measured."""

    cache: Cache
    metering: Metering

    async def get(self, call: Call) -> web.StreamResponse:
        """One of them. Raises NotFound when there is no such object, or no figures of it."""
        form = accept.form(call.headers.get("Accept", ""))
        include = tables.included(call.query.text("includeObject"))
        of = _STORED[call.of]
        await self.cache.catch_up()
        entry = self.cache.get(of, keys.object_key(of, call.place.namespace, call.place.name))
        found = await self._measured(call.of, [entry.message()] if entry is not None else [])
        if not found:
            raise NotFound.of(call.of.resource, call.place.name)
        if form is accept.Form.TABLE:
            return answers.data(tables.table(call.of, found, {}, include))
        return answers.ready(found[0].json_as(call.of))

    async def list(self, call: Call) -> web.StreamResponse:
        """Those that selectors take. Raises BadRequest."""
        form = accept.form(call.headers.get("Accept", ""))
        include = tables.included(call.query.text("includeObject"))
        labels = selectors.parse_labels(call.query.text("labelSelector"))
        fields = selectors.parse_fields(call.of, call.query.text("fieldSelector"))
        of = _STORED[call.of]
        await self.cache.catch_up()
        entries = self.cache.window(of).ordered(keys.scope_prefix(of, call.place.namespace))
        objects: Sequence[Any] = [entry.message() for entry in entries]
        wanted = [one for one in objects if labels.matches(one.metadata.labels) and fields.matches(one)]
        found = await self._measured(call.of, wanted)
        if form is accept.Form.TABLE:
            return answers.data(tables.table(call.of, found, {}, include))
        return answers.listed(call.of, {}, [one.json_as(call.of) for one in found])

    async def _measured(self, kind: Kind, objects: Sequence[Any]) -> Sequence[_Measured]:
        if kind == NODE_METRICS:
            stats = await self.metering.of([node.metadata.name for node in objects])
            return [
                _Measured(node_metrics(node.metadata, stats[node.metadata.name]))
                for node in objects
                if node.metadata.name in stats
            ]
        running = [pod for pod in objects if pod.spec.nodeName and pod.status.phase not in _ENDED]
        stats = await self.metering.of(sorted({pod.spec.nodeName for pod in running}))
        return [_Measured(one) for one in pod_metrics(running, stats.values())]


def node_metrics(metadata: ObjectMeta, stats: StatsResponse) -> NodeMetrics:
    """What a node uses."""
    return NodeMetrics(
        metadata=_named(metadata, stats),
        timestamp=_time(stats),
        window=Duration(duration=stats.window_ns),
        usage=_usage(stats.cpu_nanocores, stats.memory_working_set_bytes),
    )


def pod_metrics(pods: Iterable[Pod], stats: Iterable[StatsResponse]) -> Sequence[PodMetrics]:
    """What those pods use that were measured."""
    measured: dict[str, tuple[PodUsage, StatsResponse]] = {pod.uid: (pod, one) for one in stats for pod in one.pods}
    return [
        PodMetrics(
            metadata=_named(pod.metadata, measured[pod.metadata.uid][1]),
            timestamp=_time(measured[pod.metadata.uid][1]),
            window=Duration(duration=measured[pod.metadata.uid][1].window_ns),
            containers=[
                ContainerMetrics(name=one.name, usage=_usage(one.cpu_nanocores, one.memory_working_set_bytes))
                for one in measured[pod.metadata.uid][0].containers
            ],
        )
        for pod in pods
        if pod.metadata.uid in measured
    ]


def _named(metadata: ObjectMeta, stats: StatsResponse) -> ObjectMeta:
    return ObjectMeta(
        name=metadata.name, namespace=metadata.namespace, labels=metadata.labels, creationTimestamp=_time(stats)
    )


def _time(stats: StatsResponse) -> Time:
    return Time(seconds=stats.time_ns // 10**9)


def _usage(cpu_nanocores: int, memory_bytes: int) -> dict[str, Quantity]:
    return {"cpu": Quantity(string=f"{cpu_nanocores}n"), "memory": Quantity(string=f"{memory_bytes // 1024}Ki")}
