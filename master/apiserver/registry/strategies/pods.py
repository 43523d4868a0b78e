"""Pods: what they start with, and their quality of service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from master.apiserver.registry.strategies.match_label_keys import resolve_label_keys
from podlab.api import quantity
from podlab.core.v1 import pod_pb2
from podlab.kinds.defaults.tolerations import tolerate_lost_nodes
from podlab.meta.v1 import meta_pb2

PENDING = "Pending"
GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"
_JUDGED = ("cpu", "memory")


def beginning(default_toleration_s: int) -> Callable[[pod_pb2.Pod], None]:
    """What is done to each new pod."""

    def begin(pod: pod_pb2.Pod) -> None:
        tolerate_lost_nodes(pod, default_toleration_s)
        if pod.spec.HasField("affinity"):
            resolve_label_keys(pod)
        pod.status.phase = PENDING
        pod.status.qosClass = quality(pod.spec)
        if pod.spec.schedulingGates:
            told = pod.status.conditions.add(type="PodScheduled", status="False", reason="SchedulingGated")
            told.message = "Scheduling is blocked due to non-empty scheduling gates"
            told.lastTransitionTime.CopyFrom(pod.metadata.creationTimestamp)

    return begin


def admitted_again(default_toleration_s: int) -> Callable[[pod_pb2.Pod, pod_pb2.Pod], None]:
    """What is done to each pod that is sent again: it gets what it got when it was new."""

    def admit(new: pod_pb2.Pod, old: pod_pb2.Pod) -> None:
        for field in ("priority", "preemptionPolicy"):
            if not new.spec.HasField(field) and old.spec.HasField(field):
                setattr(new.spec, field, getattr(old.spec, field))
        tolerate_lost_nodes(new, default_toleration_s)

    return admit


def keep_class(new: pod_pb2.Pod, old: pod_pb2.Pod) -> None:
    """The class is set once, whatever a kubelet reports."""
    new.status.qosClass = old.status.qosClass


def quality(spec: pod_pb2.PodSpec) -> str:
    """Guaranteed when every container's limits are its requests, BestEffort when none asks for anything."""
    containers = [*spec.initContainers, *spec.containers]
    if not any(_asks(container.resources) for container in containers):
        return BEST_EFFORT
    return GUARANTEED if all(_bounded(container.resources) for container in containers) else BURSTABLE


def _asks(resources: pod_pb2.ResourceRequirements) -> bool:
    return any(_amount(side, name) for side in (resources.requests, resources.limits) for name in _JUDGED)


def _bounded(resources: pod_pb2.ResourceRequirements) -> bool:
    limits = [_amount(resources.limits, name) for name in _JUDGED]
    return all(limits) and limits == [_amount(resources.requests, name) for name in _JUDGED]


def _amount(resources: Mapping[str, meta_pb2.Quantity], name: str) -> Fraction:
    """Zero also for what is no quantity: validation refuses that."""
    if name not in resources:
        return Fraction(0)
    try:
        return quantity.parse(resources[name])
    except ValueError:
        return Fraction(0)
