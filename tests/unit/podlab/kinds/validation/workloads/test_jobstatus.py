from typing import Any

import pytest
from podlab_testing import builtin_kinds, sample_objects
from podlab_testing.builtin_kinds import validate_status_update

TIME, LATER = "2030-01-01T00:00:00Z", "2030-01-01T00:01:00Z"


def condition(name: str) -> dict[str, str]:
    return {"type": name, "status": "True", "lastTransitionTime": TIME}


COMPLETE = {"conditions": [condition("Complete")], "startTime": TIME, "completionTime": LATER, "succeeded": 1}
INDEXED = {"completionMode": "Indexed", "completions": 5, "backoffLimitPerIndex": 1}


def told(status: dict[str, Any], spec: dict[str, Any] | None = None) -> list[str]:
    changes = {"metadata": {"uid": "u"}, "spec": spec or {}, "status": status}
    item = sample_objects.sample(builtin_kinds.named("Job"), changes)
    return [str(cause) for cause in validate_status_update(item, item)]


@pytest.mark.parametrize(
    ("status", "spec"),
    [
        ({}, {}),
        ({"active": 2, "ready": 1, "startTime": TIME}, {}),
        (COMPLETE, {}),
        ({"completedIndexes": "0,2-3", "failedIndexes": "1"}, INDEXED),
    ],
)
def test_a_good_status_is_fine(status: dict[str, Any], spec: dict[str, Any]) -> None:
    assert told(status, spec) == []


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ({"failed": -1}, "status.failed: Invalid value: -1: must be greater than or equal to 0"),
        ({"active": 1, "ready": 2}, "status.ready: Invalid value: 2: cannot set more ready pods than active"),
        (
            {"uncountedTerminatedPods": {"succeeded": ["a"], "failed": ["a"]}},
            'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
        ),
        (
            {"uncountedTerminatedPods": {"succeeded": [""]}},
            'status.uncountedTerminatedPods.succeeded[0]: Invalid value: "": must not be empty',
        ),
        (
            COMPLETE | {"conditions": [condition("Complete"), condition("Failed")]},
            "status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions",
        ),
        (
            {"completionTime": TIME},
            'status.completionTime: Invalid value: "2030-01-01T00:00:00Z": cannot set completionTime when there is no '
            "Complete=True condition",
        ),
        (
            COMPLETE | {"completionTime": None},
            "status.completionTime: Required value: completionTime is required for Complete jobs",
        ),
        (
            COMPLETE | {"startTime": LATER, "completionTime": TIME},
            'status.completionTime: Invalid value: "2030-01-01T00:00:00Z": '
            "completionTime cannot be set before startTime",
        ),
        (COMPLETE | {"active": 1}, "status.active: Invalid value: 1: active>0 is invalid for finished job"),
        (
            COMPLETE | {"terminating": 1},
            "status.terminating: Invalid value: 1: terminating>0 is invalid for finished job",
        ),
        (COMPLETE | {"startTime": None}, "status.startTime: Required value: startTime is required for finished job"),
        (
            {"completedIndexes": "0"},
            'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed '
            "completion mode",
        ),
        (
            {"failedIndexes": "0"},
            'status.failedIndexes: Invalid value: "0": cannot set non-null failedIndexes when '
            "backoffLimitPerIndex is null",
        ),
    ],
)
def test_a_bad_status_is_told(status: dict[str, Any], wanted: str) -> None:
    assert told(status) == [wanted]


def test_an_index_cannot_have_succeeded_and_failed() -> None:
    assert told({"completedIndexes": "0-2", "failedIndexes": "2"}, INDEXED) == [
        'status.failedIndexes: Invalid value: "2": failedIndexes and completedIndexes overlap at index: 2'
    ]
