"""What an autoscaler does and says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from master.controllers.workloads.horizontalpodautoscaler.behavior import ReplicaRecord, ScalingHistory
from master.controllers.workloads.horizontalpodautoscaler.decide import (
    AutoscalerPlan,
    decide,
    rescaled,
    target_not_found,
)
from master.controllers.workloads.horizontalpodautoscaler.metrics import WorkloadLoad

NOW = 1_000_000
Builder = Callable[..., Any]
MEMORY = {
    "type": "Resource",
    "resource": {"name": "memory", "target": {"averageValue": {"string": "1Gi"}, "type": "AverageValue"}},
}
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50, "type": "Utilization"}}}


@pytest.fixture
def load(worker: Builder, measured: Builder) -> Callable[..., WorkloadLoad]:
    def made(pods: int, cpu: str, current: int | None = None) -> WorkloadLoad:
        names = [f"web-{number}" for number in range(pods)]
        of_all = [measured(name, cpu) for name in names] if cpu else []
        return WorkloadLoad([worker(name) for name in names], of_all, pods if current is None else current, NOW)

    return made


def reasons(plan: AutoscalerPlan) -> dict[str, tuple[str, str]]:
    return {one.type: (one.status, one.reason) for one in plan.status.conditions}


@pytest.mark.parametrize(
    ("bounds", "pods", "cpu", "replicas", "able", "is_limited"),
    [
        pytest.param((1, 10), 4, "50m", None, "ReadyForNewScale", "DesiredWithinRange", id="nothing to do"),
        pytest.param((1, 10), 2, "100m", 4, "ReadyForNewScale", "DesiredWithinRange", id="up"),
        pytest.param((1, 3), 2, "100m", 3, "ReadyForNewScale", "TooManyReplicas", id="up to the bound"),
        pytest.param((1, 90), 2, "900m", 6, "ReadyForNewScale", "ScaleUpLimit", id="up as fast as allowed"),
        pytest.param((1, 10), 4, "10m", 1, "ReadyForNewScale", "DesiredWithinRange", id="down"),
        pytest.param((3, 10), 4, "10m", 3, "ReadyForNewScale", "TooFewReplicas", id="down to the bound"),
    ],
)
def test_a_workload_is_scaled_by_its_load(
    autoscaler: Builder,
    load: Builder,
    bounds: tuple[int, int],
    pods: int,
    cpu: str,
    replicas: int | None,
    able: str,
    is_limited: str,
) -> None:
    plan = decide(autoscaler(*bounds), load(pods, cpu), ScalingHistory((ReplicaRecord(NOW - 400, pods),)))
    assert plan.replicas == replicas
    assert plan.status.desiredReplicas == (pods if replicas is None else replicas)
    said = reasons(plan)
    assert (said["AbleToScale"][1], said["ScalingLimited"][1]) == (able, is_limited)
    assert said["ScalingActive"] == ("True", "ValidMetricFound")


@pytest.mark.parametrize(
    ("current", "replicas", "reason"),
    [
        (12, 10, "Current number of replicas above Spec.MaxReplicas"),
        (1, 2, "Current number of replicas below Spec.MinReplicas"),
    ],
)
def test_bounds_hold_whatever_the_load(
    autoscaler: Builder, load: Builder, current: int, replicas: int, reason: str
) -> None:
    plan = decide(autoscaler(2, 10), load(current, ""), ScalingHistory())
    assert (plan.replicas, plan.reason) == (replicas, reason)


def test_what_was_scaled_to_nothing_is_left_alone(autoscaler: Builder, load: Builder) -> None:
    plan = decide(autoscaler(), load(0, ""), ScalingHistory())
    assert plan.replicas is None
    assert reasons(plan)["ScalingActive"] == ("False", "ScalingDisabled")


def test_an_autoscaler_that_knows_nothing_of_before_takes_nothing_away(autoscaler: Builder, load: Builder) -> None:
    plan = decide(autoscaler(), load(5, "10m"), ScalingHistory())
    assert plan.replicas is None
    assert reasons(plan)["AbleToScale"] == ("True", "ScaleDownStabilized")


def test_without_figures_nothing_changes_and_why_is_told(autoscaler: Builder, load: Builder) -> None:
    plan = decide(autoscaler(), load(3, ""), ScalingHistory())
    assert plan.replicas is None
    assert reasons(plan)["ScalingActive"] == ("False", "FailedGetResourceMetric")
    error = "unable to get metrics for resource cpu: no metrics returned from resource metrics API"
    assert plan.events == [
        ("Warning", "FailedGetResourceMetric", f"failed to get cpu utilization: {error}"),
        (
            "Warning",
            "FailedComputeMetricsReplicas",
            "invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: "
            f"failed to get cpu utilization: {error}",
        ),
    ]


@pytest.mark.parametrize(("cpu", "replicas"), [("100m", 4), ("10m", None)], ids=["up", "not down"])
def test_a_metric_that_is_not_known_only_keeps_pods_from_going(
    autoscaler: Builder, load: Builder, cpu: str, replicas: int | None
) -> None:
    plan = decide(autoscaler(metrics=[MEMORY, CPU]), load(2, cpu), ScalingHistory((ReplicaRecord(NOW - 400, 2),)))
    assert plan.replicas == replicas


def test_what_was_done_is_told_and_remembered(autoscaler: Builder, load: Builder) -> None:
    plan = rescaled(decide(autoscaler(), load(2, "100m"), ScalingHistory()), 2, NOW)
    assert reasons(plan)["AbleToScale"] == ("True", "SucceededRescale")
    assert plan.events == [
        (
            "Normal",
            "SuccessfulRescale",
            "New size: 4; reason: cpu resource utilization (percentage of request) above target",
        )
    ]
    assert plan.status.lastScaleTime.seconds == NOW
    assert plan.history.added == (ReplicaRecord(NOW, 2),)


def test_of_several_autoscalers_of_one_workload_none_scales(autoscaler: Builder, load: Builder) -> None:
    rivals = replace(load(2, "100m"), selector="app=web", rivals=["default/web", "default/web-2"])
    plan = decide(autoscaler(), rivals, ScalingHistory())
    assert plan.replicas is None
    assert reasons(plan)["ScalingActive"] == ("False", "AmbiguousSelector")
    why = "pods by selector app=web are controlled by multiple HPAs: [default/web default/web-2]"
    assert plan.events == [("Warning", "AmbiguousSelector", why)]


def test_a_workload_that_is_missing_is_told(autoscaler: Builder) -> None:
    plan = target_not_found(autoscaler(), 'deployments.apps "web" not found', NOW)
    assert reasons(plan)["AbleToScale"] == ("False", "FailedGetScale")
    assert plan.events == [("Warning", "FailedGetScale", 'deployments.apps "web" not found')]
