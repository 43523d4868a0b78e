"""How fast, and how soon, the number of pods changes."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from master.controllers.workloads.horizontalpodautoscaler.behavior import (
    ReplicaRecord,
    ScalingHistory,
    ScalingRules,
    limited,
    stabilized,
)
from podlab.autoscaling.v2.horizontalpodautoscaler_pb2 import HorizontalPodAutoscalerSpec, HPAScalingRules

NOW = 1_000_000.0


def rules(**given_rules: Any) -> HPAScalingRules:
    return json_format.ParseDict(given_rules, HPAScalingRules())


def policy(kind: str, value: int, period_s: int = 60) -> dict[str, Any]:
    return {"type": kind, "value": value, "periodSeconds": period_s}


@pytest.mark.parametrize(
    ("up", "current", "wanted", "added", "expected"),
    [
        pytest.param(None, 1, 20, (), (5, "ScaleUpLimit"), id="at first by four"),
        pytest.param(None, 10, 50, (), (20, "ScaleUpLimit"), id="then twofold"),
        pytest.param(None, 10, 15, (), (15, ""), id="no more than wanted"),
        pytest.param(None, 60, 200, (), (100, "TooManyReplicas"), id="no more than the bound"),
        pytest.param(None, 5, 20, (ReplicaRecord(NOW - 5, 4),), (5, "ScaleUpLimit"), id="the period is used up"),
        pytest.param(None, 5, 20, (ReplicaRecord(NOW - 15, 4),), (10, "ScaleUpLimit"), id="and over"),
        pytest.param({"policies": [policy("Pods", 2)]}, 5, 20, (), (7, "ScaleUpLimit"), id="by two"),
        pytest.param(
            {"policies": [policy("Percent", 10)]}, 5, 20, (), (6, "ScaleUpLimit"), id="by a tenth, rounded up"
        ),
        pytest.param(
            {"policies": [policy("Pods", 2), policy("Pods", 1)], "selectPolicy": "Min"},
            5,
            20,
            (),
            (6, "ScaleUpLimit"),
            id="the least",
        ),
        pytest.param(
            {"policies": [policy("Pods", 2)], "selectPolicy": "Disabled"}, 5, 20, (), (5, "ScaleUpLimit"), id="not up"
        ),
    ],
)
def test_more_pods_come_no_faster_than_allowed(
    up: dict[str, Any] | None, current: int, wanted: int, added: tuple[ReplicaRecord, ...], expected: tuple[int, str]
) -> None:
    given_rules = ScalingRules() if up is None else ScalingRules(up=rules(**up))
    found = limited(
        given_rules, ScalingHistory(added=added), current=current, wanted=wanted, least=1, most=100, now=NOW
    )
    assert (found.pods, found.reason) == expected


@pytest.mark.parametrize(
    ("down", "current", "wanted", "removed", "expected"),
    [
        pytest.param(None, 10, 2, (), (2, ""), id="at once"),
        pytest.param(None, 10, 0, (), (1, "TooFewReplicas"), id="no fewer than the bound"),
        pytest.param({"policies": [policy("Pods", 2)]}, 10, 2, (), (8, "ScaleDownLimit"), id="by two"),
        pytest.param({"policies": [policy("Percent", 10)]}, 15, 2, (), (13, "ScaleDownLimit"), id="by a tenth"),
        pytest.param(
            {"policies": [policy("Pods", 2)]}, 8, 2, (ReplicaRecord(NOW - 30, 2),), (8, "ScaleDownLimit"), id="used up"
        ),
        pytest.param(
            {"policies": [policy("Pods", 2), policy("Pods", 4)], "selectPolicy": "Min"},
            10,
            2,
            (),
            (8, "ScaleDownLimit"),
            id="the least",
        ),
        pytest.param(
            {"policies": [policy("Pods", 2)], "selectPolicy": "Disabled"},
            9,
            2,
            (),
            (9, "ScaleDownLimit"),
            id="not down",
        ),
    ],
)
def test_pods_go_no_faster_than_allowed(
    down: dict[str, Any] | None,
    current: int,
    wanted: int,
    removed: tuple[ReplicaRecord, ...],
    expected: tuple[int, str],
) -> None:
    given_rules = ScalingRules() if down is None else ScalingRules(down=rules(**down))
    found = limited(
        given_rules, ScalingHistory(removed=removed), current=current, wanted=wanted, least=1, most=100, now=NOW
    )
    assert (found.pods, found.reason) == expected


@pytest.mark.parametrize(
    ("current", "wanted", "recommended", "expected"),
    [
        pytest.param(5, 8, (ReplicaRecord(NOW - 15, 5),), (8, ""), id="up at once"),
        pytest.param(5, 2, (ReplicaRecord(NOW - 15, 5),), (5, "ScaleDownStabilized"), id="down after five minutes"),
        pytest.param(
            5,
            2,
            (ReplicaRecord(NOW - 300, 5), ReplicaRecord(NOW - 15, 3)),
            (3, "ScaleDownStabilized"),
            id="as far as agreed",
        ),
        pytest.param(5, 2, (ReplicaRecord(NOW - 300, 5),), (2, ""), id="then down"),
    ],
)
def test_fewer_pods_are_thought_over(
    current: int, wanted: int, recommended: tuple[ReplicaRecord, ...], expected: tuple[int, str]
) -> None:
    found = stabilized(ScalingRules(), ScalingHistory(recommended), current=current, wanted=wanted, now=NOW)
    assert (found.pods, found.reason) == expected


def test_more_pods_are_thought_over_where_that_is_asked_for() -> None:
    spec = HorizontalPodAutoscalerSpec()
    spec.behavior.scaleUp.stabilizationWindowSeconds = 60
    history = ScalingHistory((ReplicaRecord(NOW - 30, 5),))
    found = stabilized(ScalingRules.of(spec), history, current=5, wanted=8, now=NOW)
    assert (found.pods, found.reason) == (5, "ScaleUpStabilized")


@given(
    current=st.integers(1, 100),
    wanted=st.integers(0, 500),
    recommended=st.lists(st.tuples(st.floats(0, 400), st.integers(1, 100)), max_size=5),
    changes=st.lists(st.tuples(st.floats(0, 100), st.integers(1, 20), st.booleans()), max_size=5),
)
def test_the_result_lies_between_what_is_and_what_is_wanted_and_within_the_bounds(
    current: int, wanted: int, recommended: list[tuple[float, int]], changes: list[tuple[float, int, bool]]
) -> None:
    history = ScalingHistory(
        tuple(ReplicaRecord(NOW - ago, pods) for ago, pods in recommended),
        tuple(ReplicaRecord(NOW - ago, pods) for ago, pods, is_up in changes if is_up),
        tuple(ReplicaRecord(NOW - ago, pods) for ago, pods, is_up in changes if not is_up),
    )
    calm = stabilized(ScalingRules(), history, current=current, wanted=wanted, now=NOW).pods
    assert min(current, wanted) <= calm <= max(current, wanted)
    result = limited(ScalingRules(), history, current=current, wanted=calm, least=1, most=100, now=NOW).pods
    assert 1 <= result <= 100
    assert min(current, calm, 1) <= result <= max(current, calm)
