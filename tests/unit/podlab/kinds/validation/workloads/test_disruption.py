from collections.abc import Callable
from typing import Any

import pytest
from podlab_testing import builtin_kinds, sample_objects
from podlab_testing.builtin_kinds import validate_status_update

Found = Callable[..., list[str]]
KIND = builtin_kinds.named("PodDisruptionBudget")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, None),
        ({"minAvailable": None, "maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}, None),
        ({"maxUnavailable": 1}, "spec: Invalid value: {}: minAvailable and maxUnavailable cannot be both set"),
        ({"minAvailable": "110%"}, 'spec.minAvailable: Invalid value: "110%": must not be greater than 100%'),
        ({"minAvailable": -1}, "spec.minAvailable: Invalid value: -1: must be greater than or equal to 0"),
        ({"minAvailable": "some"}, 'spec.minAvailable: Invalid value: "some": a valid percent string'),
        (
            {"unhealthyPodEvictionPolicy": "Never"},
            'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthy',
        ),
        (
            {"selector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}},
            'spec.selector.matchExpressions[0].operator: Unsupported value: "Like"',
        ),
    ],
)
def test_a_budget_is_told_by_path_and_rule(found: Found, spec: dict[str, Any], told: str | None) -> None:
    lines = found(sample_objects.sample(KIND, {"spec": spec}))
    assert len(lines) == (0 if told is None else 1)
    assert all(told is not None and line.startswith(told) for line in lines)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"disruptionsAllowed": -1}, "status.disruptionsAllowed: Invalid value: -1"),
        ({"disruptedPods": {"A_b": "2030-01-01T00:00:00Z"}}, 'status.disruptedPods: Invalid value: "A_b"'),
        (
            {
                "conditions": [
                    {"type": "A", "status": "Odd", "reason": "R", "lastTransitionTime": "2030-01-01T00:00:00Z"}
                ]
            },
            'status.conditions[0].status: Unsupported value: "Odd"',
        ),
        (
            {"conditions": [{"type": "A", "status": "True", "reason": "R"}]},
            "status.conditions[0].lastTransitionTime: Required value: must be set",
        ),
    ],
)
def test_a_budgets_status_is_told_by_path_and_rule(status: dict[str, Any], told: str) -> None:
    item = sample_objects.sample(KIND, {"metadata": {"uid": "u"}, "status": status})
    (cause,) = validate_status_update(item, item)
    assert str(cause).startswith(told)


def test_a_time_in_a_map_must_exist() -> None:
    item: Any = sample_objects.sample(KIND, {"metadata": {"uid": "u"}})
    item.status.disruptedPods["a"].seconds = 1 << 60
    assert [cause.field for cause in validate_status_update(item, item)] == ["status.disruptedPods[a]"]
