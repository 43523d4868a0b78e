"""What a pod's status tells of the scheduler's decisions. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from podlab.api.objects import condition
from podlab.core.v1.pod_pb2 import Pod, PodCondition
from podlab.meta.v1.meta_pb2 import Time

UNSCHEDULABLE, SCHEDULER_ERROR = "Unschedulable", "SchedulerError"


@dataclass(frozen=True)
class Verdict:
    """Why a pod has no node, and the node on which room is made for it, if any."""

    reason: str
    message: str
    nominated: str = ""


def told(pod: Pod, verdict: Verdict, now: Time) -> Pod | None:
    """A copy of the pod whose status says so; None when it says so already, or the pod has a node."""
    present = condition(pod.status.conditions, "PodScheduled")
    was_false = present is not None and present.status == "False"
    says_so = present is not None and (present.reason, present.message) == (verdict.reason, verdict.message)
    if pod.spec.nodeName or (was_false and says_so and pod.status.nominatedNodeName == verdict.nominated):
        return None
    since = present.lastTransitionTime if present is not None and was_false else now
    changed = _with_condition(pod, PodCondition(type="PodScheduled", reason=verdict.reason, message=verdict.message))
    scheduled = changed.status.conditions[-1]
    scheduled.status = "False"
    scheduled.lastTransitionTime.CopyFrom(since)
    changed.status.nominatedNodeName = verdict.nominated
    return changed


def preempting(scheduler_name: str) -> str:
    """What the condition DisruptionTarget of a preemption's victim says.

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
