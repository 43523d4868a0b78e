"""Requests and limits as the kernel's cgroup settings. Pure; formulas as in
https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from node.kubelet.cgroups import layout
from node.kubelet.containerconfig import swap
from node.kubelet.containerconfig.swap import NO_SWAP_KNOWN, NodeSwap
from podlab.api.pods import podresources
from podlab.api.pods.qos import BEST_EFFORT, GUARANTEED, qos_class
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri
from podlab.meta.v1.meta_pb2 import Quantity

# Guaranteed pods go last when the node's memory runs out, BestEffort ones first.
GUARANTEED_ADJ = -997
BEST_EFFORT_ADJ = 1000
_PAGE_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB"))


@dataclass(frozen=True)
class NodeMemory:
    """The node's, and what containers may do with it. With `oom_group`, which needs cgroup v2, all processes of a
    container end when one of them has to for want of memory."""

    bytes: int
    oom_group: bool = False
    swap: NodeSwap = NO_SWAP_KNOWN


def linux_resources(pod: pod_pb2.Pod, container: pod_pb2.Container, memory: NodeMemory) -> cri.LinuxContainerResources:
    """What the runtime is told about one container, whose limits are its pod's where it has none of its own."""
    limits, requests = podresources.limits_of(pod.spec, container), container.resources.requests
    cpu = requests.get("cpu", container.resources.limits.get("cpu"))
    result = cri.LinuxContainerResources(
        cpu_shares=layout.shares(quantity.millis(cpu)) if cpu is not None else layout.MIN_SHARES,
        cpu_period=layout.PERIOD_US,
        oom_score_adj=_oom_score_adj(pod, container, memory.bytes),
    )
    if "cpu" in limits and quantity.millis(limits["cpu"]):
        result.cpu_quota = layout.quota_us(quantity.millis(limits["cpu"]))
    if "memory" in limits:
        result.memory_limit_in_bytes = quantity.value(limits["memory"])
    result.hugepage_limits.extend(_pages(limits))
    if memory.oom_group:
        result.unified["memory.oom.group"] = "1"
    if (most := swap.limit(pod, container, memory.swap, memory.bytes)) is not None:
        result.unified[swap.FILE] = str(most)
    return result


def _pages(limits: Mapping[str, Quantity]) -> Iterator[cri.HugepageLimit]:
    """Only of those that the container is limited in: where the kernel has no controller for them, nothing is asked."""
    for name in sorted(limits):
        if name.startswith(podresources.HUGE_PAGES):
            size = quantity.value(Quantity(string=name.removeprefix(podresources.HUGE_PAGES)))
            unit, told = next((unit, told) for unit, told in _PAGE_UNITS if size % unit == 0)
            yield cri.HugepageLimit(page_size=f"{size // unit}{told}", limit=quantity.value(limits[name]))


def _oom_score_adj(pod: pod_pb2.Pod, container: pod_pb2.Container, node_memory_bytes: int) -> int:
    qos = qos_class(pod.spec)
    if qos == GUARANTEED:
        return GUARANTEED_ADJ
    if qos == BEST_EFFORT:
        return BEST_EFFORT_ADJ
    limits, requests = container.resources.limits, container.resources.requests
    request = requests.get("memory", limits.get("memory"))
    asked = (quantity.value(request) if request is not None else 0) + _part_of_the_rest(pod.spec)
    share = 1000 * asked // max(1, node_memory_bytes)
    return min(BEST_EFFORT_ADJ - 1, max(1000 + GUARANTEED_ADJ, 1000 - share))


def _part_of_the_rest(spec: pod_pb2.PodSpec) -> int:
    """What the pod as a whole asks for beyond what its containers do is for all of them alike, in bytes."""
    if "memory" not in spec.resources.requests:
        return 0
    asked = podresources.container_requests(spec).get("memory", 0)
    rest = podresources.rounded("memory", quantity.parse(spec.resources.requests["memory"]) - asked)
    return max(0, rest) // (len(spec.containers) + len(spec.initContainers))
