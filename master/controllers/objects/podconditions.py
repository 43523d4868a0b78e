"""Conditions that controllers set on pods that are not theirs to run."""

from __future__ import annotations

from podlab.api.objects import condition
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

DISRUPTION_TARGET = "DisruptionTarget"


def set_condition(
    status: pod_pb2.PodStatus, condition_type: str, value: str, *, reason: str = "", message: str = "", now: float
) -> None:
    """Sets the condition; the time of transition moves only when its value does."""
    known = condition(status.conditions, condition_type)
    target = known if known is not None else status.conditions.add(type=condition_type)
    if target.status != value:
        target.lastTransitionTime.CopyFrom(meta_pb2.Time(seconds=int(now)))
    target.status, target.reason, target.message = value, reason, message
