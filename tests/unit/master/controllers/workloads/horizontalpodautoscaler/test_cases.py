"""Situations of autoscalers: the pods of a workload, what they use, and how many there are to be.

From what Kubernetes documents: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from master.controllers.workloads.horizontalpodautoscaler.behavior import ReplicaRecord, ScalingHistory
from master.controllers.workloads.horizontalpodautoscaler.decide import AutoscalerPlan, decide
from master.controllers.workloads.horizontalpodautoscaler.metrics import WorkloadLoad
from podlab.api.objects import condition

NOW = 1_000_000
Builder = Callable[..., Any]


Looks = Mapping[str, Any]
NEW: Looks = {"age_s": 20, "ready_for_s": 10}
UNREADY: Looks = {"ready": False, "age_s": 1000, "ready_for_s": 990}
PENDING: Looks = {"phase": "Pending", "ready": None}
GOING: Looks = {"going": True}
FAILED: Looks = {"phase": "Failed"}
SILENT: Looks = {"request": ""}


@dataclass(frozen=True)
class Use:
    """A pod, and what it uses of the 100m that it requests, in millis; None where there is no figure."""

    millis: int | None
    looks: Looks = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """`pods` are what each uses. `bounds` are the least and the most.

    `recommended`, `added` and `removed` are what happened: pods and seconds ago. `to` is the new number, None when it
    stays; `says` are reasons of AbleToScale, ScalingActive and ScalingLimited.
    """

    name: str
    pods: Sequence[Use]
    to: int | None = None
    says: str = "ReadyForNewScale ValidMetricFound DesiredWithinRange"
    bounds: tuple[int, int] = (1, 20)
    spec: Mapping[str, Any] = field(default_factory=dict)
    current: int | None = None
    recommended: Sequence[tuple[int, int]] = ()
    added: Sequence[tuple[int, int]] = ()
    removed: Sequence[tuple[int, int]] = ()


def load_of(worker: Builder, measured: Builder, case: Case) -> WorkloadLoad:
    pods, figures = [], []
    for number, use in enumerate(case.pods):
        pods.append(worker(f"web-{number}", **use.looks))
        if use.millis is not None:
            figures.append(measured(f"web-{number}", f"{use.millis}m"))
    current = len(pods) if case.current is None else case.current
    return WorkloadLoad(pods, figures, current, NOW, "default", "app=web")


def marks(past: Sequence[tuple[int, int]]) -> tuple[ReplicaRecord, ...]:
    return tuple(ReplicaRecord(NOW - ago, pods) for pods, ago in past)


def said(plan: AutoscalerPlan) -> str:
    found = (condition(plan.status.conditions, name) for name in ("AbleToScale", "ScalingActive", "ScalingLimited"))
    return " ".join(one.reason for one in found if one is not None)


def behavior(side: str, *policies: tuple[str, int, int], **more: Any) -> dict[str, Any]:
    given = [{"type": kind, "value": value, "periodSeconds": period} for kind, value, period in policies]
    return {"behavior": {side: {"policies": given, **more}}}


AVERAGE = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "AverageValue", "averageValue": {"string": "20m"}}},
}
HALF = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
QUEUE = {
    "type": "External",
    "external": {"metric": {"name": "queue"}, "target": {"type": "Value", "value": {"string": "30"}}},
}
REQUESTS = {
    "type": "Pods",
    "pods": {"metric": {"name": "requests"}, "target": {"type": "AverageValue", "averageValue": {"string": "1"}}},
}
HITS = {
    "type": "Object",
    "object": {
        "metric": {"name": "hits"},
        "describedObject": {"kind": "Ingress", "name": "main"},
        "target": {"type": "Value", "value": {"string": "1"}},
    },
}
LOADS = [
    Case("as busy as aimed at", [Use(50), Use(50)]),
    Case("a tenth more is near enough", [Use(55), Use(55)]),
    Case("more than a tenth is not", [Use(56), Use(56)], 3),
    Case("a tenth less is near enough", [Use(45)] * 10),
    Case("less than that is not", [Use(44)] * 10, 9),
    Case("twice as busy", [Use(100), Use(100)], 4),
    Case("one busy among idle ones", [Use(150), Use(0), Use(0)], None),
    Case("idle", [Use(0), Use(0), Use(0)], 1, "ReadyForNewScale ValidMetricFound TooFewReplicas"),
    Case(
        "idle, and some are always wanted",
        [Use(0), Use(0), Use(0)],
        2,
        "ReadyForNewScale ValidMetricFound TooFewReplicas",
        (2, 20),
    ),
    Case(
        "busier than there may be pods",
        [Use(100), Use(100)],
        3,
        "ReadyForNewScale ValidMetricFound TooManyReplicas",
        (1, 3),
    ),
    Case(
        "as many as there may be",
        [Use(100), Use(100)],
        None,
        "ReadyForNewScale ValidMetricFound TooManyReplicas",
        (1, 2),
    ),
    Case("by what each uses", [Use(40), Use(40)], 4, spec={"metrics": [AVERAGE]}),
    Case("of two metrics the one that asks for more", [Use(40), Use(40)], 4, spec={"metrics": [HALF, AVERAGE]}),
    Case("scaled to none: left alone", [], None, "SucceededGetScale ScalingDisabled", current=0),
    Case("too many already", [Use(50)] * 5, 3, "SucceededGetScale", (1, 3)),
    Case("too few already", [Use(50)], 2, "SucceededGetScale", (2, 3)),
]
UNKNOWNS = [
    Case("nothing was measured", [Use(None), Use(None)], None, "SucceededGetScale FailedGetResourceMetric"),
    Case("no pods are there", [], None, "SucceededGetScale FailedGetResourceMetric", current=2),
    Case("no request to compare with", [Use(50, SILENT)], None, "SucceededGetScale FailedGetResourceMetric"),
    Case("one without a figure uses nothing when there would be more", [Use(100), Use(100), Use(None)], 4),
    Case("which may be why there are no more", [Use(70), Use(None)], None),
    Case("and all of its request when there would be fewer", [Use(10), Use(10), Use(None)], None),
    Case("which may still leave fewer", [Use(0), Use(0), Use(0), Use(None)], 2),
    Case("one that starts uses nothing when there would be more", [Use(100), Use(100), Use(900, PENDING)], 4),
    Case("one that starts is not asked when there would be fewer", [Use(10), Use(10), Use(0, PENDING)], 1),
    Case("what it uses to become ready does not count", [Use(50), Use(50), Use(500, NEW)], None),
    Case("nor of one that was never ready", [Use(50), Use(50), Use(500, UNREADY)], None),
    Case("one that goes is not asked", [Use(50), Use(50), Use(500, GOING)], None, current=2),
    Case("nor one that failed", [Use(50), Use(50), Use(500, FAILED)], None, current=2),
    Case("none is ready", [Use(500, UNREADY), Use(500, PENDING)], None, "SucceededGetScale FailedGetResourceMetric"),
    Case(
        "a metric that nobody serves",
        [Use(50)],
        None,
        "SucceededGetScale FailedGetExternalMetric",
        spec={"metrics": [QUEUE]},
    ),
    Case("of pods", [Use(50)], None, "SucceededGetScale FailedGetPodsMetric", spec={"metrics": [REQUESTS]}),
    Case("of an object", [Use(50)], None, "SucceededGetScale FailedGetObjectMetric", spec={"metrics": [HITS]}),
    Case("one is not known, the other asks for more", [Use(100), Use(100)], 4, spec={"metrics": [QUEUE, HALF]}),
    Case(
        "one is not known, the other for fewer",
        [Use(10), Use(10)],
        None,
        "SucceededGetScale FailedGetExternalMetric",
        spec={"metrics": [HALF, QUEUE]},
    ),
]
PACES = [
    Case("up by four at first", [Use(500)], 5, "ReadyForNewScale ValidMetricFound ScaleUpLimit"),
    Case("then twofold", [Use(200)] * 6, 12, "ReadyForNewScale ValidMetricFound ScaleUpLimit"),
    Case(
        "not twice within its period",
        [Use(200)] * 6,
        None,
        "ReadyForNewScale ValidMetricFound ScaleUpLimit",
        added=[(4, 5)],
        current=6,
    ),
    Case(
        "down after five minutes",
        [Use(10)] * 5,
        None,
        "ScaleDownStabilized ValidMetricFound DesiredWithinRange",
        recommended=[(5, 299)],
    ),
    Case(
        "to what was recommended meanwhile",
        [Use(10)] * 5,
        3,
        "ScaleDownStabilized ValidMetricFound DesiredWithinRange",
        recommended=[(5, 301), (3, 60)],
    ),
    Case("then", [Use(10)] * 5, 1, recommended=[(5, 301)]),
    Case(
        "never down",
        [Use(0)] * 5,
        None,
        "ReadyForNewScale ValidMetricFound ScaleDownLimit",
        spec=behavior("scaleDown", ("Pods", 1, 60), selectPolicy="Disabled"),
    ),
    Case(
        "down by one a minute",
        [Use(0)] * 5,
        4,
        "ReadyForNewScale ValidMetricFound ScaleDownLimit",
        spec=behavior("scaleDown", ("Pods", 1, 60)),
    ),
    Case(
        "the minute is not over",
        [Use(0)] * 5,
        None,
        "ReadyForNewScale ValidMetricFound ScaleDownLimit",
        spec=behavior("scaleDown", ("Pods", 1, 60)),
        removed=[(1, 59)],
    ),
    Case(
        "down at once",
        [Use(0)] * 5,
        1,
        "ReadyForNewScale ValidMetricFound TooFewReplicas",
        spec=behavior("scaleDown", ("Percent", 100, 15), stabilizationWindowSeconds=0),
        recommended=[(5, 10)],
    ),
    Case(
        "the smaller of two steps up",
        [Use(200)] * 4,
        5,
        "ReadyForNewScale ValidMetricFound ScaleUpLimit",
        spec=behavior("scaleUp", ("Pods", 1, 60), ("Percent", 100, 60), selectPolicy="Min"),
    ),
    Case(
        "the larger",
        [Use(200)] * 4,
        8,
        "ReadyForNewScale ValidMetricFound ScaleUpLimit",
        spec=behavior("scaleUp", ("Pods", 1, 60), ("Percent", 100, 60), selectPolicy="Max"),
    ),
    Case(
        "never up",
        [Use(200)] * 4,
        None,
        "ReadyForNewScale ValidMetricFound ScaleUpLimit",
        spec=behavior("scaleUp", ("Pods", 1, 60), selectPolicy="Disabled"),
    ),
    Case(
        "up once it was recommended for long enough",
        [Use(200)] * 2,
        None,
        "ScaleUpStabilized ValidMetricFound DesiredWithinRange",
        spec=behavior("scaleUp", ("Pods", 9, 60), stabilizationWindowSeconds=60),
        recommended=[(2, 30)],
    ),
]


@pytest.mark.parametrize("case", [*LOADS, *UNKNOWNS, *PACES], ids=lambda case: case.name)
def test_how_many_there_are_to_be(autoscaler: Builder, worker: Builder, measured: Builder, case: Case) -> None:
    history = ScalingHistory(marks(case.recommended or [(1, 3000)]), marks(case.added), marks(case.removed))
    plan = decide(autoscaler(*case.bounds, **case.spec), load_of(worker, measured, case), history)
    assert plan.replicas == case.to
    assert said(plan) == case.says


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        (REQUESTS, "unable to get metric requests: unable to fetch metrics from custom metrics API: {none}"),
        (
            HITS,
            "unable to get metric hits: Ingress on default main/"
            "unable to fetch metrics from custom metrics API: {none}",
        ),
        (
            QUEUE,
            "unable to get external metric default/queue/nil: unable to fetch metrics from external metrics API: "
            "the server could not find the requested resource (get queue.external.metrics.k8s.io)",
        ),
    ],
    ids=lambda given: given["type"] if isinstance(given, dict) else "",
)
def test_why_it_cannot_tell(
    autoscaler: Builder, worker: Builder, measured: Builder, metric: dict[str, Any], why: str
) -> None:
    load = load_of(worker, measured, Case("", [Use(50)]))
    plan = decide(autoscaler(metrics=[metric]), load, ScalingHistory())
    error = why.format(none="no known available metric versions found")
    assert plan.events[0] == ("Warning", f"FailedGet{metric['type']}Metric", error)
    active = condition(plan.status.conditions, "ScalingActive")
    assert active is not None
    assert active.message == f"the HPA was unable to compute the replica count: {error}"
