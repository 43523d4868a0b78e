"""What a kubelet answers to HTTP in Kubernetes. Ours speaks gRPC alone, so the API server answers, from what it says.

It is what metrics agents and people ask for; the rest is refused by name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from master.apiserver.egress.kubelet import nodes
from master.apiserver.rest.content import responses
from master.apiserver.rpc.relay import Relay
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds
from podlab.api.serializer import encoded_fields
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import MethodNotAllowed, NotFound
from podlab.v1.kubelet_pb2 import StatsResponse

_POD = kinds.of(Pod)
_METRICS = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class KubeletEndpoints:
    """Answers for the kubelets of all nodes."""

    relay: Relay
    cache: Cache

    async def answer(self, request: web.BaseRequest, node: str, path: str) -> web.StreamResponse:
        """Raises NotFound for a path that no kubelet answers here, MethodNotAllowed, and what the kubelet says."""
        answering = self._by_path.get(path.strip("/"))
        if answering is None:
            served = ", ".join(f"/{one}" for one in self._by_path)
            raise NotFound(f'the kubelet of node "{node}" does not serve {path or "/"}; what it serves is {served}')
        if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
            raise MethodNotAllowed(f'the kubelet of node "{node}" serves {path} for GET alone, not {request.method}')
        return await answering(node)

    @cached_property
    def _by_path(self) -> Mapping[str, Callable[[str], Awaitable[web.Response]]]:
        return {
            "healthz": self._healthz,
            "metrics": self._metrics,
            "metrics/resource": self._metrics,
            "pods": self._pods,
            "stats/summary": self._summary,
        }

    async def _healthz(self, node: str) -> web.Response:
        await self.relay.check(nodes.kubelet(self.cache, node))
        return responses.text("ok")

    async def _metrics(self, node: str) -> web.Response:
        return responses.text(metrics(await self.relay.measured(node)), media_type=_METRICS)

    async def _summary(self, node: str) -> web.Response:
        return responses.data(summary(await self.relay.measured(node)))

    async def _pods(self, node: str) -> web.Response:
        node_of = encoded_fields.reader(Pod, "spec.nodeName")
        entries = self.cache.window(_POD).entries.values()
        pods = [entry.json() for entry in entries if node_of(entry.encoded) == node]
        return responses.items("PodList", "v1", {}, pods)


def summary(stats: StatsResponse) -> dict[str, object]:
    """As /stats/summary has it: k8s.io/kubelet/pkg/apis/stats/v1alpha1."""
    at = datetime.fromtimestamp(stats.time_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def used(cpu_nanocores: int, memory_bytes: int) -> dict[str, object]:
        return {
            "cpu": {"time": at, "usageNanoCores": cpu_nanocores},
            "memory": {"time": at, "workingSetBytes": memory_bytes},
        }

    pods = [
        {
            "podRef": {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
            "containers": [
                {"name": one.name, **used(one.cpu_nanocores, one.memory_working_set_bytes)} for one in pod.containers
            ],
            **used(
                sum(one.cpu_nanocores for one in pod.containers),
                sum(one.memory_working_set_bytes for one in pod.containers),
            ),
        }
        for pod in stats.pods
    ]
    node = {"nodeName": stats.node_name, **used(stats.cpu_nanocores, stats.memory_working_set_bytes)}
    return {"node": node, "pods": pods}


def metrics(stats: StatsResponse) -> bytes:
    """What the kubelet knows of its node and pods, in Prometheus' text format and under Kubernetes' names.

    Processor use is known as a rate, not as a sum, so there is none of `*_cpu_usage_seconds_total`.
    """
    registry = CollectorRegistry()
    node = Gauge("kubelet_node_name", "The node's name. The count is always 1.", ["node"], registry=registry)
    node.labels(stats.node_name).set(1)
    running = Gauge("kubelet_running_pods", "Pods that have a running container.", registry=registry)
    running.set(len(stats.pods))
    containers = Gauge("kubelet_running_containers", "Containers that run.", ["container_state"], registry=registry)
    containers.labels("running").set(sum(len(pod.containers) for pod in stats.pods))
    memory = Gauge("node_memory_working_set_bytes", "Memory that the node uses.", registry=registry)
    memory.set(stats.memory_working_set_bytes)
    of_pods = Gauge("pod_memory_working_set_bytes", "Memory that a pod uses.", ["namespace", "pod"], registry=registry)
    of_containers = Gauge(
        "container_memory_working_set_bytes",
        "Memory that a container uses.",
        ["container", "namespace", "pod"],
        registry=registry,
    )
    for pod in stats.pods:
        of_pods.labels(pod.namespace, pod.name).set(sum(one.memory_working_set_bytes for one in pod.containers))
        for one in pod.containers:
            of_containers.labels(one.name, pod.namespace, pod.name).set(one.memory_working_set_bytes)
    return generate_latest(registry)
