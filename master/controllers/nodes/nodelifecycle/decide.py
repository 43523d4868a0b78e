"""What is to be said of a node: its conditions when it is silent, its taints, and which of its pods are not ready.

Names, reasons and messages: https://kubernetes.io/docs/reference/labels-annotations-taints/ and
https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from master.controllers.objects.nodestate import readiness
from podlab.api.objects import condition
from podlab.api.pods.podphase import is_terminal
from podlab.api.pods.tolerations import NOT_READY, UNREACHABLE, UNSCHEDULABLE
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.meta.v1 import meta_pb2

_PREFIX = "node.kubernetes.io/"
_REPORTED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
_PRESSURES = {
    "MemoryPressure": _PREFIX + "memory-pressure",
    "DiskPressure": _PREFIX + "disk-pressure",
    "PIDPressure": _PREFIX + "pid-pressure",
    "NetworkUnavailable": _PREFIX + "network-unavailable",
}
_OURS = frozenset(
    {
        (NOT_READY, "NoExecute"),
        (UNREACHABLE, "NoExecute"),
        *((key, "NoSchedule") for key in (NOT_READY, UNREACHABLE, UNSCHEDULABLE, *_PRESSURES.values())),
    }
)


class EvictionMode(Enum):
    """What is to become of taints that evict pods."""

    START = "pods are evicted from nodes that are not ready"
    PAUSE = "no more evictions begin"
    STOP = "no node is ready: the fault is ours to see, and none is evicted from"


def with_unknown_conditions(status: node_pb2.NodeStatus, now: float) -> node_pb2.NodeStatus:
    """The status of a node that is no longer heard of: nothing it reported is known to hold."""
    result = node_pb2.NodeStatus()
    result.CopyFrom(status)
    for name in _REPORTED:
        known = condition(result.conditions, name)
        if known is None:
            known = result.conditions.add(type=name)
            known.reason, known.message = "NodeStatusNeverUpdated", "Kubelet never posted node status."
        elif known.status != "Unknown":
            known.reason, known.message = "NodeStatusUnknown", "Kubelet stopped posting node status."
        if known.status != "Unknown":
            known.lastTransitionTime.CopyFrom(meta_pb2.Time(seconds=int(now)))
            known.status = "Unknown"
    return result


def taints(node: node_pb2.Node, evicting: EvictionMode, now: float) -> list[node_pb2.Taint]:
    """The node's taints as they should be: ours by its conditions, all others as they are."""
    present = {(taint.key, taint.effect) for taint in node.spec.taints}
    wanted = _wanted(node)
    if evicting is EvictionMode.STOP:
        wanted = {one for one in wanted if one[1] != "NoExecute"}
    elif evicting is EvictionMode.PAUSE:
        wanted = {one for one in wanted if one[1] != "NoExecute" or one in present}
    kept = [
        taint
        for taint in node.spec.taints
        if (taint.key, taint.effect) in wanted or (taint.key, taint.effect) not in _OURS
    ]
    at = meta_pb2.Time(seconds=int(now))
    fresh = [node_pb2.Taint(key=key, effect=effect, timeAdded=at) for key, effect in sorted(wanted - present)]
    return [*kept, *fresh]


def pods_to_mark(node: node_pb2.Node, pods: Iterable[pod_pb2.Pod]) -> list[pod_pb2.Pod]:
    """Pods that were ready when the node stopped being so. What became ready since then was said by its kubelet."""
    ready = condition(node.status.conditions, "Ready")
    if ready is None or ready.status == "True":
        return []
    marked = []
    for pod in pods:
        known = condition(pod.status.conditions, "Ready")
        if known is None or known.status != "True" or is_terminal(pod):
            continue
        if known.lastTransitionTime.seconds <= ready.lastTransitionTime.seconds:
            marked.append(pod)
    return marked


def _wanted(node: node_pb2.Node) -> set[tuple[str, str]]:
    wanted = {
        (key, "NoSchedule")
        for name, key in _PRESSURES.items()
        if (known := condition(node.status.conditions, name)) is not None and known.status == "True"
    }
    if node.spec.unschedulable:
        wanted.add((UNSCHEDULABLE, "NoSchedule"))
    state = readiness(node)
    if state == "":  # it is still starting: nothing to evict yet
        wanted.add((NOT_READY, "NoSchedule"))
    elif state != "True":
        key = NOT_READY if state == "False" else UNREACHABLE
        wanted |= {(key, "NoSchedule"), (key, "NoExecute")}
    return wanted
