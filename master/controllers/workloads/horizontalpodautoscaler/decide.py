"""How many pods an autoscaler wants, and what it says about that.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from master.controllers.objects.events import ObjectEvent
from master.controllers.workloads.horizontalpodautoscaler.behavior import (
    BoundedReplicas,
    ScalingHistory,
    ScalingRules,
    limited,
    stabilized,
    tolerances_of,
)
from master.controllers.workloads.horizontalpodautoscaler.metrics import (
    MetricProposal,
    MetricUnavailable,
    WorkloadLoad,
    evaluate_metric,
)
from podlab.api.objects import condition
from podlab.autoscaling.v2.horizontalpodautoscaler_pb2 import HorizontalPodAutoscaler, HorizontalPodAutoscalerStatus
from podlab.meta.v1.meta_pb2 import Time

ABLE, ACTIVE, LIMITED = "AbleToScale", "ScalingActive", "ScalingLimited"


@dataclass(frozen=True)
class AutoscalerPlan:
    """`replicas` is what the workload is to have, for the `reason`; None leaves it as it is."""

    status: HorizontalPodAutoscalerStatus
    history: ScalingHistory
    replicas: int | None = None
    reason: str = ""
    events: list[ObjectEvent] = field(default_factory=list)


def decide(autoscaler: HorizontalPodAutoscaler, load: WorkloadLoad, history: ScalingHistory) -> AutoscalerPlan:
    """`history` is the autoscaler's so far; empty when it is new, or the controllers are."""
    spec, now, current = autoscaler.spec, load.now, load.current
    status = _begun(autoscaler, current)
    set_condition(
        status, ABLE, "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale", now
    )
    if not history.recommended:
        history = history.recommending(current, now)
    if current == 0:
        why = "scaling is disabled since the replica count of the target is zero"
        set_condition(status, ACTIVE, "False", "ScalingDisabled", why, now)
        return AutoscalerPlan(status, history)
    if current > spec.maxReplicas:
        return _to(status, history, spec.maxReplicas, "Current number of replicas above Spec.MaxReplicas")
    if current < spec.minReplicas:
        return _to(status, history, spec.minReplicas, "Current number of replicas below Spec.MinReplicas")
    if load.rivals:
        return _ambiguous(status, history, load)
    found = [evaluate_metric(metric, load, tolerances_of(spec)) for metric in spec.metrics]
    del status.currentMetrics[:]
    status.currentMetrics.extend(one.status for one in found if isinstance(one, MetricProposal))
    events = [ObjectEvent("Warning", one.reason, one.error) for one in found if isinstance(one, MetricUnavailable)]
    highest = _highest(status, found, current, now)
    if highest is None:
        return AutoscalerPlan(status, history, events=[*events, _all_unknown(found)])
    wanted = _bounded(autoscaler, status, history, highest.replicas, load)
    history = history.recommending(highest.replicas, now)
    if wanted == current:
        return AutoscalerPlan(status, history, events=events)
    reason = f"{highest.name} above target" if wanted > current else "All metrics below target"
    return _to(status, history, wanted, reason, events)


def rescaled(plan: AutoscalerPlan, before: int, now: float) -> AutoscalerPlan:
    """Once the workload has been told."""
    assert plan.replicas is not None
    why = f"the HPA controller was able to update the target scale to {plan.replicas}"
    set_condition(plan.status, ABLE, "True", "SucceededRescale", why, now)
    plan.status.lastScaleTime.CopyFrom(Time(seconds=int(now)))
    said = ObjectEvent("Normal", "SuccessfulRescale", f"New size: {plan.replicas}; reason: {plan.reason}")
    return AutoscalerPlan(plan.status, plan.history.scaled(before, plan.replicas, now), events=[*plan.events, said])


def target_not_found(autoscaler: HorizontalPodAutoscaler, error: str, now: float) -> AutoscalerPlan:
    """When the workload that it is to scale cannot be found."""
    status = _begun(autoscaler, autoscaler.status.currentReplicas)
    status.desiredReplicas = autoscaler.status.desiredReplicas
    why = f"the HPA controller was unable to get the target's current scale: {error}"
    set_condition(status, ABLE, "False", "FailedGetScale", why, now)
    return AutoscalerPlan(status, ScalingHistory(), events=[ObjectEvent("Warning", "FailedGetScale", error)])


def set_condition(
    status: HorizontalPodAutoscalerStatus, condition_type: str, value: str, reason: str, message: str, now: float
) -> None:
    """Sets a condition."""
    target = condition(status.conditions, condition_type) or status.conditions.add(type=condition_type)
    if target.status != value:
        target.lastTransitionTime.CopyFrom(Time(seconds=int(now)))
    target.status, target.reason, target.message = value, reason, message


def _begun(autoscaler: HorizontalPodAutoscaler, current: int) -> HorizontalPodAutoscalerStatus:
    status = HorizontalPodAutoscalerStatus()
    status.CopyFrom(autoscaler.status)
    status.observedGeneration = autoscaler.metadata.generation
    status.currentReplicas = status.desiredReplicas = current
    return status


def _to(
    status: HorizontalPodAutoscalerStatus,
    history: ScalingHistory,
    wanted: int,
    reason: str,
    events: Sequence[ObjectEvent] = (),
) -> AutoscalerPlan:
    status.desiredReplicas = wanted
    return AutoscalerPlan(status, history, wanted, reason, list(events))


def _ambiguous(status: HorizontalPodAutoscalerStatus, history: ScalingHistory, load: WorkloadLoad) -> AutoscalerPlan:
    """Each would undo what the other does: none does anything."""
    why = f"pods by selector {load.selector} are controlled by multiple HPAs: [{' '.join(load.rivals)}]"
    set_condition(status, ACTIVE, "False", "AmbiguousSelector", why, load.now)
    return AutoscalerPlan(status, history, events=[ObjectEvent("Warning", "AmbiguousSelector", why)])


def _highest(
    status: HorizontalPodAutoscalerStatus, found: Sequence[MetricProposal | MetricUnavailable], current: int, now: float
) -> MetricProposal | None:
    """What asks for most. None when what is not known might have asked for more: then nothing is taken away."""
    proposals = [one for one in found if isinstance(one, MetricProposal)]
    highest = max(proposals, key=lambda one: one.replicas, default=None)
    unknown = next((one for one in found if isinstance(one, MetricUnavailable)), None)
    if unknown is not None and (highest is None or highest.replicas < current):
        why = f"the HPA was unable to compute the replica count: {unknown.error}"
        set_condition(status, ACTIVE, "False", unknown.reason, why, now)
        return None
    if highest is not None:
        why = f"the HPA was able to successfully calculate a replica count from {highest.name}"
        set_condition(status, ACTIVE, "True", "ValidMetricFound", why, now)
    return highest


def _all_unknown(found: Sequence[MetricProposal | MetricUnavailable]) -> ObjectEvent:
    unknown = [one for one in found if isinstance(one, MetricUnavailable)]
    first = f"{unknown[0].prefix}: {unknown[0].error}" if unknown else "no metrics"
    message = f"invalid metrics ({len(unknown)} invalid out of {len(found)}), first error is: {first}"
    return ObjectEvent("Warning", "FailedComputeMetricsReplicas", message)


def _bounded(
    autoscaler: HorizontalPodAutoscaler,
    status: HorizontalPodAutoscalerStatus,
    history: ScalingHistory,
    wanted: int,
    load: WorkloadLoad,
) -> int:
    spec, rules, now = autoscaler.spec, ScalingRules.of(autoscaler.spec), load.now
    calm = stabilized(rules, history, current=load.current, wanted=wanted, now=now)
    ready = BoundedReplicas(calm.pods, "ReadyForNewScale", "recommended size matches current size")
    shown = calm if calm.reason else ready
    set_condition(status, ABLE, "True", shown.reason, shown.message, now)
    result = limited(
        rules,
        history,
        current=load.current,
        wanted=calm.pods,
        least=spec.minReplicas,
        most=spec.maxReplicas,
        now=now,
    )
    if result.reason:
        set_condition(status, LIMITED, "True", result.reason, result.message, now)
    else:
        set_condition(
            status, LIMITED, "False", "DesiredWithinRange", "the desired count is within the acceptable range", now
        )
    return result.pods
