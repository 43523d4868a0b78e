"""How many of a budget's pods there are, are healthy and have to be; and so how many may go.

https://kubernetes.io/docs/concepts/workloads/pods/disruptions/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from master.controllers.objects.intorpercent import scaled_value
from master.controllers.objects.podstate import is_being_deleted, is_ready
from podlab.api.objects import condition
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget, PodDisruptionBudgetStatus

# A pod whose eviction was granted and whose deletion does not show within this time stays after all.
DELETION_LIMIT_S = 120
ALLOWED = "DisruptionAllowed"


@dataclass(frozen=True)
class WorkloadScale:
    """How many pods the workload of that uid is to have."""

    uid: str
    replicas: int


@dataclass(frozen=True)
class UnknownScale:
    """Why it is not known how many pods there should be."""

    reason: str


@dataclass(frozen=True)
class DisruptionPlan:
    """Look again after `wait_s`; `kept` are pods that were to go and did not, `unmanaged` those that nothing scales."""

    status: PodDisruptionBudgetStatus
    wait_s: float | None = None
    kept: list[pod_pb2.Pod] = field(default_factory=list)
    unmanaged: list[str] = field(default_factory=list)
    failure: str = ""


def decide(
    budget: PodDisruptionBudget,
    pods: Sequence[pod_pb2.Pod],
    scales: Mapping[str, WorkloadScale | UnknownScale | None],
    now: float,
) -> DisruptionPlan:
    """`pods` are those that it selects; `scales` tells, by a pod's uid, how many its workload is to have."""
    expected, desired = len(pods) if _says_something(budget) else 0, budget.spec.minAvailable.intVal
    unmanaged: list[str] = []
    if _says_something(budget) and not _counts_pods_alone(budget):
        unknown = next((one for one in scales.values() if isinstance(one, UnknownScale)), None)
        if unknown is not None:
            return DisruptionPlan(_failed(budget, unknown.reason, now), failure=unknown.reason)
        unmanaged = [pod.metadata.name for pod in pods if scales[pod.metadata.uid] is None]
        expected = sum(replicas for _, replicas in {(one.uid, one.replicas) for one in _known(scales)})
        desired = _desired(budget, expected)
    disrupted, kept = _disrupted(budget, pods, now)
    healthy = sum(is_ready(pod) and not is_being_deleted(pod) and pod.metadata.name not in disrupted for pod in pods)
    allowed = max(0, healthy - desired) if expected > 0 else 0
    status = PodDisruptionBudgetStatus(
        observedGeneration=budget.metadata.generation,
        disruptionsAllowed=allowed,
        currentHealthy=healthy,
        desiredHealthy=desired,
        expectedPods=expected,
        conditions=budget.status.conditions,
    )
    for name, when in disrupted.items():
        status.disruptedPods[name].CopyFrom(when)
    _put(status, "SufficientPods" if allowed else "InsufficientPods", "", budget, now)
    waits = [when.seconds + DELETION_LIMIT_S - now for when in disrupted.values()]
    return DisruptionPlan(status, min(waits, default=None), kept, unmanaged)


def _says_something(budget: PodDisruptionBudget) -> bool:
    """One with neither bound allows nothing, as in Kubernetes."""
    return budget.spec.HasField("minAvailable") or budget.spec.HasField("maxUnavailable")


def _counts_pods_alone(budget: PodDisruptionBudget) -> bool:
    """Whether it does not matter how many pods their workloads want."""
    return budget.spec.HasField("minAvailable") and budget.spec.minAvailable.type == 0


def _known(scales: Mapping[str, WorkloadScale | UnknownScale | None]) -> Iterable[WorkloadScale]:
    return (one for one in scales.values() if isinstance(one, WorkloadScale))


def _desired(budget: PodDisruptionBudget, expected: int) -> int:
    """Percentages are rounded up either way."""
    if budget.spec.HasField("maxUnavailable"):
        return max(0, expected - ceil(scaled_value(budget.spec.maxUnavailable, expected)))
    return ceil(scaled_value(budget.spec.minAvailable, expected))


def _disrupted(
    budget: PodDisruptionBudget, pods: Iterable[pod_pb2.Pod], now: float
) -> tuple[dict[str, meta_pb2.Time], list[pod_pb2.Pod]]:
    """Pods whose eviction was granted and that are still to be seen going; and those that should have gone by now."""
    waited_for: dict[str, meta_pb2.Time] = {}
    kept: list[pod_pb2.Pod] = []
    for pod in pods:
        name = pod.metadata.name
        if is_being_deleted(pod) or name not in budget.status.disruptedPods:
            continue
        granted = budget.status.disruptedPods[name]
        if granted.seconds + DELETION_LIMIT_S > now:
            waited_for[name] = granted
        else:
            kept.append(pod)
    return waited_for, kept


def _failed(budget: PodDisruptionBudget, reason: str, now: float) -> PodDisruptionBudgetStatus:
    """What cannot be counted allows nothing."""
    status = PodDisruptionBudgetStatus()
    status.CopyFrom(budget.status)
    status.disruptionsAllowed = 0
    _put(status, "SyncFailed", reason, budget, now)
    return status


def _put(status: PodDisruptionBudgetStatus, reason: str, message: str, budget: PodDisruptionBudget, now: float) -> None:
    value = "True" if reason == "SufficientPods" else "False"
    target = condition(status.conditions, ALLOWED) or status.conditions.add(type=ALLOWED)
    if target.status != value:
        target.lastTransitionTime.CopyFrom(meta_pb2.Time(seconds=int(now)))
    target.status, target.reason, target.message = value, reason, message
    target.observedGeneration = budget.metadata.generation
