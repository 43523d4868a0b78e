"""What a disruption budget says to the eviction of a pod. Pure; rules and words are Kubernetes'
(https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/)."""

from __future__ import annotations

from collections.abc import Iterable

from podlab.api.budgets import protects
from podlab.api.objects import condition
from podlab.api.pods.podphase import PENDING, TERMINAL
from podlab.core.v1 import pod_pb2
from podlab.errors import Cause, Forbidden, InternalError, TooManyRequests
from podlab.meta.v1 import meta_pb2
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget

# More would say that nobody counts: the controller removes what it has seen to go.
MOST_DISRUPTED = 2000
UNCOUNTED_RETRY_S = 10
_ALWAYS_ALLOW = "AlwaysAllow"


def spend(pod: pod_pb2.Pod, budgets: Iterable[PodDisruptionBudget], now: meta_pb2.Time) -> PodDisruptionBudget | None:
    """The budget that the eviction is charged to, as it is after that; None when it costs none.

    Raises TooManyRequests when the budget does not allow it now, Forbidden when it is out of order, and InternalError
    when the pod has several.
    """
    if pod.status.phase in (*TERMINAL, PENDING) or pod.metadata.HasField("deletionTimestamp"):
        return None
    own = [budget for budget in budgets if protects(budget, pod)]
    if len(own) > 1:
        raise InternalError(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        )
    if not own or _is_free(pod, own[0]):
        return None
    _check(own[0])
    charged = PodDisruptionBudget()
    charged.CopyFrom(own[0])
    charged.status.disruptionsAllowed -= 1
    charged.status.disruptedPods[pod.metadata.name].CopyFrom(now)
    if not charged.status.disruptionsAllowed:
        _tell_exhausted(charged, now)
    return charged


def mark(pod: pod_pb2.Pod, reason: str, message: str, now: meta_pb2.Time) -> None:
    """Says in the pod's conditions why it goes."""
    told = condition(pod.status.conditions, "DisruptionTarget") or pod.status.conditions.add(type="DisruptionTarget")
    if told.status != "True":
        told.lastTransitionTime.CopyFrom(now)
    told.status = "True"
    told.reason, told.message = reason, message


def _is_free(pod: pod_pb2.Pod, budget: PodDisruptionBudget) -> bool:
    """A pod that is not ready counts for nothing: without it the budget is met as it was."""
    ready = condition(pod.status.conditions, "Ready")
    if ready is not None and ready.status == "True":
        return False
    if budget.spec.unhealthyPodEvictionPolicy == _ALWAYS_ALLOW:
        return True
    return 0 < budget.status.desiredHealthy <= budget.status.currentHealthy


def _check(budget: PodDisruptionBudget) -> None:
    name, status = budget.metadata.name, budget.status
    if status.observedGeneration < budget.metadata.generation:
        why = f"The disruption budget {name} is still being processed by the server."
        raise _too_many(why, retry_after_s=UNCOUNTED_RETRY_S)
    if status.disruptionsAllowed < 0:
        raise _forbidden(name, "pdb disruptions allowed is negative")
    if len(status.disruptedPods) > MOST_DISRUPTED:
        why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise _forbidden(name, why)
    if status.disruptionsAllowed == 0:
        needs = f"needs {status.desiredHealthy} healthy pods and has {status.currentHealthy} currently"
        raise _too_many(f"The disruption budget {name} {needs}")


def _too_many(why: str, *, retry_after_s: int = 0) -> TooManyRequests:
    return TooManyRequests(
        "Cannot evict pod as it would violate the pod's disruption budget.",
        causes=[Cause("", "DisruptionBudget", why)],
        retry_after_s=retry_after_s,
    )


def _forbidden(name: str, why: str) -> Forbidden:
    resource = "poddisruptionbudget.policy"
    return Forbidden(f'{resource} "{name}" is forbidden: {why}', kind=resource, name=name)


def _tell_exhausted(budget: PodDisruptionBudget, now: meta_pb2.Time) -> None:
    conditions = budget.status.conditions
    told = condition(conditions, "DisruptionAllowed") or conditions.add(type="DisruptionAllowed")
    if told.status != "False":
        told.lastTransitionTime.CopyFrom(now)
    told.status, told.reason, told.message = "False", "InsufficientPods", ""
    told.observedGeneration = budget.status.observedGeneration
