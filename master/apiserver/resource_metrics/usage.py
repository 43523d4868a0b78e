"""What nodes and pods use, as the objects of metrics.k8s.io."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from master.apiserver.resource_metrics.scraper import Scraper
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.moment import Moment
from podlab.api import kinds
from podlab.api.pods.podphase import is_terminal
from podlab.api.selection.selectors import Selector
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.meta.v1.meta_pb2 import Duration, ObjectMeta, Quantity, Time
from podlab.metrics.v1beta1.metrics_pb2 import ContainerMetrics, NodeMetrics, PodMetrics
from podlab.v1.kubelet_pb2 import PodUsage, StatsResponse

_PODS = kinds.of(Pod)


@dataclass(frozen=True, slots=True)
class ResourceMetrics:
    """Figures of nodes and pods. Objects without figures are left out."""

    cache: Cache
    scraper: Scraper

    async def selected_pods(self, namespace: str, labels: Selector, moment: Moment) -> Sequence[PodMetrics]:
        """The figures of pods with such labels, in a namespace or in all of them."""
        await self.cache.reach(moment)
        entries = self.cache.window(_PODS).ordered(keys.scope_prefix(_PODS, namespace))
        pods = [entry.message_as(Pod) for entry in entries]
        return await self.pods(pod for pod in pods if labels.matches(pod.metadata.labels))

    async def nodes(self, nodes: Sequence[Node]) -> Sequence[NodeMetrics]:
        stats = await self.scraper.of([node.metadata.name for node in nodes])
        return [node_metrics(node.metadata, stats[node.metadata.name]) for node in nodes if node.metadata.name in stats]

    async def pods(self, pods: Iterable[Pod]) -> Sequence[PodMetrics]:
        running = [pod for pod in pods if pod.spec.nodeName and not is_terminal(pod)]
        stats = await self.scraper.of(sorted({pod.spec.nodeName for pod in running}))
        return pod_metrics(running, stats.values())


def node_metrics(metadata: ObjectMeta, stats: StatsResponse) -> NodeMetrics:
    """What a node uses."""
    return NodeMetrics(
        metadata=_named(metadata, stats),
        timestamp=_time(stats),
        window=Duration(duration=stats.window_ns),
        usage=_usage(stats.cpu_nanocores, stats.memory_working_set_bytes),
    )


def pod_metrics(pods: Iterable[Pod], stats: Iterable[StatsResponse]) -> Sequence[PodMetrics]:
    """What the measured ones of the pods use."""
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
