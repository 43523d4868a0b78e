"""Pods: what they start with, and their quality of service."""

from __future__ import annotations

from podlab.api.pods.podphase import PENDING, is_terminal
from podlab.api.pods.qos import qos_class
from podlab.core.v1 import pod_pb2
from podlab.kinds.strategies.match_label_keys import resolve_label_keys
from podlab.meta.v1 import meta_pb2

_DEFAULT_GRACE_S = 30


def begin(pod: pod_pb2.Pod) -> None:
    """A new pod waits for a node, and knows its class."""
    if pod.spec.HasField("affinity"):
        resolve_label_keys(pod)
    pod.status.phase = PENDING
    pod.status.qosClass = qos_class(pod.spec)
    if pod.spec.schedulingGates:
        told = pod.status.conditions.add(type="PodScheduled", status="False", reason="SchedulingGated")
        told.message = "Scheduling is blocked due to non-empty scheduling gates"
        told.lastTransitionTime.CopyFrom(pod.metadata.creationTimestamp)


def grace_period_s(pod: pod_pb2.Pod, asked: int | None) -> int:
    """How long the node has. Only a pod that may be running somewhere has anybody to wait for."""
    if not pod.spec.nodeName or is_terminal(pod):
        return 0
    if asked is None:
        own = pod.spec.HasField("terminationGracePeriodSeconds")
        asked = pod.spec.terminationGracePeriodSeconds if own else _DEFAULT_GRACE_S
    return asked if asked >= 0 else 1  # as Kubernetes reads a negative one


def keep_class(new: pod_pb2.Pod, old: pod_pb2.Pod, _: meta_pb2.Time) -> None:
    """The class is set once, whatever a kubelet reports."""
    new.status.qosClass = old.status.qosClass
