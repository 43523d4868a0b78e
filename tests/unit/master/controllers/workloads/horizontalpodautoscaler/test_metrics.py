"""How many pods a metric asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import json_format

from master.controllers.workloads.horizontalpodautoscaler.behavior import tolerances_of
from master.controllers.workloads.horizontalpodautoscaler.metrics import (
    MetricProposal,
    MetricUnavailable,
    WorkloadLoad,
    evaluate_metric,
)
from podlab.autoscaling.v2.horizontalpodautoscaler_pb2 import HorizontalPodAutoscalerSpec
from podlab.autoscaling.v2.metrics_pb2 import MetricSpec

NOW = 1_000_000
Builder = Callable[..., Any]


def resource(**target: Any) -> MetricSpec:
    return json_format.ParseDict({"type": "Resource", "resource": {"name": "cpu", "target": target}}, MetricSpec())


def half() -> MetricSpec:
    return resource(type="Utilization", averageUtilization=50)


def load_of(
    worker: Builder, measured: Builder, pods: list[tuple[str, dict[str, Any]]], current: int = 0
) -> WorkloadLoad:
    """Pods, each with what it uses (nothing where it was not measured) and how it looks."""
    named = [(f"web-{number}", used, looks) for number, (used, looks) in enumerate(pods)]
    return WorkloadLoad(
        [worker(name, **looks) for name, _, looks in named],
        [measured(name, used) for name, used, _ in named if used],
        current or len(pods),
        NOW,
    )


UNREADY: dict[str, Any] = {"ready": False, "age_s": 60, "ready_for_s": 60}
PENDING: dict[str, Any] = {"phase": "Pending", "ready": None}


@pytest.mark.parametrize(
    ("said", "used", "expected"),
    [
        # one uses so much and requests 100m; aimed at is 50m
        pytest.param({}, "56m", 5, id="usually a tenth: above it"),
        pytest.param({"scaleUp": {"tolerance": {"string": "0.2"}}}, "56m", 4, id="a fifth upwards"),
        pytest.param({"scaleUp": {"tolerance": {"string": "0.2"}}}, "40m", 4, id="downwards as usual: rounded up"),
        pytest.param({"scaleUp": {"tolerance": {"string": "0"}}}, "51m", 5, id="none upwards"),
        pytest.param({"scaleDown": {"tolerance": {"string": "500m"}}}, "26m", 4, id="half of it downwards"),
        pytest.param({"scaleDown": {"tolerance": {"string": "500m"}}}, "24m", 2, id="below that"),
    ],
)
def test_an_autoscaler_says_how_far_the_load_may_be_from_what_is_aimed_at(
    worker: Builder, measured: Builder, said: dict[str, Any], used: str, expected: int
) -> None:
    spec = json_format.ParseDict({"behavior": said}, HorizontalPodAutoscalerSpec())
    found = evaluate_metric(half(), load_of(worker, measured, [(used, {})] * 4), tolerances_of(spec))
    assert isinstance(found, MetricProposal)
    assert found.replicas == expected


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        # each requests 100m; aimed at is 50m
        pytest.param([("50m", {})] * 4, 4, id="as aimed at"),
        pytest.param([("54m", {})] * 4, 4, id="within the tolerance, above"),
        pytest.param([("46m", {})] * 4, 4, id="within the tolerance, below"),
        pytest.param([("100m", {})] * 3, 6, id="twice as much"),
        pytest.param([("80m", {})] * 3, 5, id="rounded up"),
        pytest.param([("10m", {})] * 5, 1, id="a fifth"),
        pytest.param([("0", {})] * 4, 0, id="nothing"),
        pytest.param([("100m", {}), ("100m", {}), ("", {})], 4, id="one was not measured: it uses nothing"),
        pytest.param([("10m", {}), ("10m", {}), ("", {})], 3, id="one was not measured: it uses all"),
        pytest.param([("60m", {}), ("60m", {}), ("", {})], 3, id="with the unmeasured one there is no need"),
        pytest.param([("100m", {}), ("100m", {}), ("", PENDING)], 4, id="one waits: it uses nothing"),
        pytest.param([("10m", {}), ("10m", {}), ("", PENDING)], 1, id="one waits, and is not needed"),
        pytest.param([("100m", {}), ("500m", UNREADY)], 2, id="the CPU of a pod that starts says nothing"),
        pytest.param([("100m", {}), ("500m", {"ready_for_s": 10, "age_s": 60})], 2, id="nor just after it has started"),
        pytest.param([("100m", {}), ("100m", {"ready_for_s": 20, "age_s": 60})], 4, id="a window later it does"),
        pytest.param([("100m", {}), ("500m", {"going": True})], 2, id="a pod that goes does not count"),
        pytest.param([("100m", {}), ("500m", {"phase": "Failed"})], 2, id="nor does one that failed"),
    ],
)
def test_pods_are_as_many_as_bring_their_use_to_what_is_aimed_at(
    worker: Builder, measured: Builder, pods: list[tuple[str, dict[str, Any]]], expected: int
) -> None:
    found = evaluate_metric(half(), load_of(worker, measured, pods))
    assert isinstance(found, MetricProposal)
    assert found.replicas == expected


def test_what_was_found_is_told(worker: Builder, measured: Builder) -> None:
    found = evaluate_metric(half(), load_of(worker, measured, [("30m", {}), ("41m", {})]))
    assert isinstance(found, MetricProposal)
    assert found.name == "cpu resource utilization (percentage of request)"
    current = found.status.resource.current
    assert (current.averageUtilization, current.averageValue.string) == (35, "35m")


def test_an_average_value_needs_no_requests(worker: Builder, measured: Builder) -> None:
    metric = resource(type="AverageValue", averageValue={"string": "20m"})
    found = evaluate_metric(metric, load_of(worker, measured, [("30m", {"request": ""}), ("30m", {"request": ""})]))
    assert isinstance(found, MetricProposal)
    assert (found.replicas, found.name) == (3, "cpu resource")
    assert not found.status.resource.current.HasField("averageUtilization")


def test_a_container_may_be_all_that_counts(worker: Builder, measured: Builder) -> None:
    load = load_of(worker, measured, [("50m", {})])
    load.pods[0].spec.containers.add(name="helper")
    load.measured[0].containers.add(name="helper").usage["cpu"].string = "900m"
    metric = MetricSpec(type="ContainerResource")
    metric.containerResource.name, metric.containerResource.container = "cpu", "main"
    metric.containerResource.target.averageUtilization = 25
    found = evaluate_metric(metric, load)
    assert isinstance(found, MetricProposal)
    assert found.replicas == 2
    assert found.status.containerResource.container == "main"


@pytest.mark.parametrize(
    ("pods", "error"),
    [
        pytest.param([], "no pods returned by selector while calculating replica count", id="no pods"),
        pytest.param(
            [("", {})],
            "unable to get metrics for resource cpu: no metrics returned from resource metrics API",
            id="nothing was measured",
        ),
        pytest.param(
            [("10m", PENDING)],
            "did not receive metrics for targeted pods (pods might be unready)",
            id="none is ready",
        ),
        pytest.param(
            [("10m", {"request": ""})],
            "missing request for cpu in container main of Pod web-0",
            id="nothing is requested",
        ),
    ],
)
def test_why_nothing_can_be_told_is_told(
    worker: Builder, measured: Builder, pods: list[tuple[str, dict[str, Any]]], error: str
) -> None:
    found = evaluate_metric(half(), load_of(worker, measured, pods))
    assert found == MetricUnavailable(
        "FailedGetResourceMetric", f"failed to get cpu utilization: {error}", "failed to get cpu resource metric value"
    )
