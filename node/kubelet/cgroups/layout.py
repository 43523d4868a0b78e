"""Where pods are among the control groups, and what each group may use. Pure.

https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/, https://kubernetes.io/docs/concepts/architecture/cgroups/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from podlab.api.pods import podresources
from podlab.api.pods.qos import BEST_EFFORT, BURSTABLE, GUARANTEED, qos_class
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2
from podlab.meta.v1.meta_pb2 import Quantity
from podlab.settings import SettingsError

ROOT = "/kubepods"
CLASSES = {GUARANTEED: ROOT, BURSTABLE: f"{ROOT}/burstable", BEST_EFFORT: f"{ROOT}/besteffort"}

SHARES_PER_CPU = 1024
MIN_SHARES = 2
MAX_SHARES = 1 << 18
MAX_WEIGHT = 10_000
PERIOD_US = 100_000
MIN_QUOTA_US = 1_000


@dataclass(frozen=True)
class GroupLimits:
    """A share of processors, at most so much time of them in each period, and at most so much memory. 0: no limit."""

    cpu_shares: int
    cpu_quota_us: int = 0
    memory_bytes: int = 0


def path(pod: pod_pb2.Pod) -> str:
    """The group of the pod, below that of its class. Those of guaranteed pods stand beside the classes."""
    return f"{CLASSES[qos_class(pod.spec)]}/{name(pod.metadata.uid)}"


def name(uid: str) -> str:
    """The last part of the path of a pod's group."""
    return f"pod{uid}"


def of_pod(pod: pod_pb2.Pod) -> GroupLimits:
    """What all of the pod's containers together may use. Only where each of them is limited, or the pod as a whole,
    the sum is a limit."""
    if qos_class(pod.spec) == BEST_EFFORT:
        return GroupLimits(MIN_SHARES)
    overhead = podresources.amounts(pod.spec.overhead)
    limits = podresources.limits(pod.spec)
    bound = {each: limits[each] + overhead.get(each, 0) for each in ("cpu", "memory") if _is_bounded(pod.spec, each)}
    return GroupLimits(
        shares(cpu_millis(pod)),
        quota_us(podresources.rounded("cpu", bound["cpu"])) if "cpu" in bound else 0,
        podresources.rounded("memory", bound["memory"]) if "memory" in bound else 0,
    )


def of_node(allocatable: Mapping[str, Quantity]) -> GroupLimits:
    """What all pods together may use of what the node offers: its processors by share, its memory at most."""
    cpu, memory = quantity.millis(allocatable["cpu"]), quantity.value(allocatable["memory"])
    return GroupLimits(shares(cpu), memory_bytes=memory)


def of_burstable(pods: Iterable[pod_pb2.Pod]) -> GroupLimits:
    """What burstable pods have beside the guaranteed ones: as much of the processors as they ask for."""
    return GroupLimits(shares(sum(cpu_millis(pod) for pod in pods if qos_class(pod.spec) == BURSTABLE)))


def cpu_millis(pod: pod_pb2.Pod) -> int:
    """How much of the processors the pod asks for, in thousandths."""
    return podresources.whole(pod.spec).get("cpu", 0)


def shares(millis: int) -> int:
    """Thousandths of processors as the kernel's shares."""
    return min(MAX_SHARES, max(MIN_SHARES, millis * SHARES_PER_CPU // 1000))


def quota_us(millis: int) -> int:
    """Thousandths of processors as time in each period."""
    return max(MIN_QUOTA_US, millis * PERIOD_US // 1000)


def settings(limits: GroupLimits, *, unified: bool) -> dict[str, str]:
    """What the group's files are to hold. `unified`: those of cgroup v2, where shares are weights from 1 to 10000."""
    if not unified:
        return {
            "cpu.shares": str(limits.cpu_shares),
            "cpu.cfs_period_us": str(PERIOD_US),
            "cpu.cfs_quota_us": str(limits.cpu_quota_us or -1),
            "memory.limit_in_bytes": str(limits.memory_bytes or -1),
        }
    weight = 1 + (limits.cpu_shares - MIN_SHARES) * (MAX_WEIGHT - 1) // (MAX_SHARES - MIN_SHARES)
    return {
        "cpu.weight": str(weight),
        "cpu.max": f"{limits.cpu_quota_us or 'max'} {PERIOD_US}",
        "memory.max": str(limits.memory_bytes or "max"),
    }


def oom_group(single_process_oom_kill: bool | None, *, unified: bool) -> bool:
    """Whether all processes of a container end when one of them has to for want of memory: as Kubernetes has it, where
    the kernel can, which is cgroup v2, unless the node's settings say otherwise. Raises SettingsError."""
    if not unified and single_process_oom_kill is False:
        raise SettingsError(
            "single_process_oom_kill: false needs cgroup v2, and this machine has v1: leave it out, or boot the "
            "machine with systemd.unified_cgroup_hierarchy=1"
        )
    return unified and not single_process_oom_kill


def widest(one: GroupLimits, other: GroupLimits) -> GroupLimits:
    """What leaves room for both: groups grow before their containers do, and shrink after them."""
    return GroupLimits(
        max(one.cpu_shares, other.cpu_shares),
        _widest(one.cpu_quota_us, other.cpu_quota_us),
        _widest(one.memory_bytes, other.memory_bytes),
    )


def _widest(one: int, other: int) -> int:
    return max(one, other) if one and other else 0


def _is_bounded(spec: pod_pb2.PodSpec, resource: str) -> bool:
    if resource in spec.resources.limits:
        return quantity.parse(spec.resources.limits[resource]) > 0
    return all(
        resource in each.resources.limits and quantity.parse(each.resources.limits[resource]) > 0
        for each in (*spec.containers, *spec.initContainers)
    )
