"""Pods: what they start with, and their quality of service."""

from __future__ import annotations

from collections.abc import Callable

from master.apiserver.registry.strategies.match_label_keys import resolve_label_keys
from podlab.api.podphase import PENDING
from podlab.api.qos import qos_class
from podlab.core.v1 import pod_pb2
from podlab.kinds.defaults.tolerations import tolerate_lost_nodes


def beginning(default_toleration_s: int) -> Callable[[pod_pb2.Pod], None]:
    """What is done to each new pod."""

    def begin(pod: pod_pb2.Pod) -> None:
        tolerate_lost_nodes(pod, default_toleration_s)
        if pod.spec.HasField("affinity"):
            resolve_label_keys(pod)
        pod.status.phase = PENDING
        pod.status.qosClass = qos_class(pod.spec)
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
