"""The condition that tells why a pod has no node. Pure."""

from __future__ import annotations

from podlab.api.objects import condition
from podlab.core.v1.pod_pb2 import Pod, PodCondition
from podlab.meta.v1.meta_pb2 import Time


def unschedulable(pod: Pod, message: str, now: Time) -> Pod | None:
    """A copy of the pod whose PodScheduled condition says so; None when it says so already, or the pod has a node."""
    present = condition(pod.status.conditions, "PodScheduled")
    was_false = present is not None and present.status == "False"
    if pod.spec.nodeName or (present is not None and was_false and present.message == message):
        return None
    told = PodCondition(type="PodScheduled", status="False", reason="Unschedulable", message=message)
    told.lastTransitionTime.CopyFrom(present.lastTransitionTime if present is not None and was_false else now)
    changed = Pod()
    changed.CopyFrom(pod)
    del changed.status.conditions[:]
    changed.status.conditions.extend([each for each in pod.status.conditions if each.type != "PodScheduled"])
    changed.status.conditions.append(told)
    return changed
