"""What a pod's status says about scheduling."""

from __future__ import annotations

from dataclasses import dataclass

from podlab.api.objects import condition
from podlab.core.v1.pod_pb2 import Pod, PodCondition
from podlab.meta.v1.meta_pb2 import Time

UNSCHEDULABLE, SCHEDULER_ERROR = "Unschedulable", "SchedulerError"


@dataclass(frozen=True)
class SchedulingFailure:
    """Why a pod has no node, and the node that it is nominated to, if any."""

    reason: str
    message: str
    nominated_node: str = ""


def with_failure(pod: Pod, failure: SchedulingFailure, now: Time) -> Pod | None:
    """A copy of the pod with the failure in its status; None when it is there already, or the pod has a node."""
    present = condition(pod.status.conditions, "PodScheduled")
    was_false = present is not None and present.status == "False"
    is_same = present is not None and (present.reason, present.message) == (failure.reason, failure.message)
    if pod.spec.nodeName or (was_false and is_same and pod.status.nominatedNodeName == failure.nominated_node):
        return None
    since = present.lastTransitionTime if present is not None and was_false else now
    changed = _with_condition(pod, PodCondition(type="PodScheduled", reason=failure.reason, message=failure.message))
    scheduled = changed.status.conditions[-1]
    scheduled.status = "False"
    scheduled.lastTransitionTime.CopyFrom(since)
    changed.status.nominatedNodeName = failure.nominated_node
    return changed


def preemption_message(scheduler_name: str) -> str:
    """The message of the condition DisruptionTarget of a victim.

    https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
    """
    return f"{scheduler_name}: preempting to accommodate a higher priority pod"


def _with_condition(pod: Pod, new: PodCondition) -> Pod:
    changed = Pod()
    changed.CopyFrom(pod)
    del changed.status.conditions[:]
    changed.status.conditions.extend([each for each in pod.status.conditions if each.type != new.type])
    changed.status.conditions.append(new)
    return changed
