"""Requests and limits as the kernel's cgroup settings. Pure; formulas as in
https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/."""

from __future__ import annotations

from podlab.api.pods.qos import BEST_EFFORT, GUARANTEED, qos_class
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri

SHARES_PER_CPU = 1024
MIN_SHARES = 2
PERIOD_US = 100_000
MIN_QUOTA_US = 1_000
# Guaranteed pods go last when the node's memory runs out, BestEffort ones first.
GUARANTEED_ADJ = -997
BEST_EFFORT_ADJ = 1000


def linux_resources(
    pod: pod_pb2.Pod, container: pod_pb2.Container, *, node_memory_bytes: int
) -> cri.LinuxContainerResources:
    """What the runtime is told about one container."""
    limits, requests = container.resources.limits, container.resources.requests
    cpu = requests.get("cpu", limits.get("cpu"))
    result = cri.LinuxContainerResources(
        cpu_shares=max(MIN_SHARES, quantity.millis(cpu) * SHARES_PER_CPU // 1000) if cpu is not None else MIN_SHARES,
        cpu_period=PERIOD_US,
        oom_score_adj=_oom_score_adj(pod, container, node_memory_bytes),
    )
    if "cpu" in limits and quantity.millis(limits["cpu"]):
        result.cpu_quota = max(MIN_QUOTA_US, quantity.millis(limits["cpu"]) * PERIOD_US // 1000)
    if "memory" in limits:
        result.memory_limit_in_bytes = quantity.value(limits["memory"])
    return result


def _oom_score_adj(pod: pod_pb2.Pod, container: pod_pb2.Container, node_memory_bytes: int) -> int:
    qos = qos_class(pod.spec)
    if qos == GUARANTEED:
        return GUARANTEED_ADJ
    if qos == BEST_EFFORT:
        return BEST_EFFORT_ADJ
    limits, requests = container.resources.limits, container.resources.requests
    request = requests.get("memory", limits.get("memory"))
    share = 1000 * quantity.value(request) // max(1, node_memory_bytes) if request is not None else 0
    return min(BEST_EFFORT_ADJ - 1, max(1000 + GUARANTEED_ADJ, 1000 - share))
