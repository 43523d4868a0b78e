"""Whether a pod's condition DisruptionTarget is one that nothing came of. Pure; the rules are Kubernetes'
(https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions)."""

from __future__ import annotations

from master.controllers.objects.podconditions import DISRUPTION_TARGET
from master.controllers.objects.podstate import is_active
from podlab.api.objects import condition
from podlab.core.v1 import pod_pb2

# A pod that was to go and is not asked to within this time stays after all.
STALE_AFTER_S = 120
_BY_KUBELET = "TerminationByKubelet"  # it may take as long as the pod needs to end


def stale_in_s(pod: pod_pb2.Pod, now: float) -> float | None:
    """In how many seconds the condition is to be taken back; not above 0: now. None when it is none of those."""
    known = condition(pod.status.conditions, DISRUPTION_TARGET)
    if known is None or known.status != "True" or known.reason == _BY_KUBELET or not is_active(pod):
        return None
    return known.lastTransitionTime.seconds + STALE_AFTER_S - now
