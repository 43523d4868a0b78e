from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from podlab.batch.v1.job_pb2 import JobSpec
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.workloads.jobpolicies import check_failure_policy, check_success_policy

CODES = {"operator": "In", "values": [1, 2]}
TEMPLATE = {"spec": {"containers": [{"name": "work"}], "initContainers": [{"name": "first"}]}}


def failing(rules: list[dict[str, Any]], **spec: Any) -> list[str]:
    fields = {"podFailurePolicy": {"rules": rules}, "template": TEMPLATE, **spec}
    found = Findings()
    check_failure_policy(found, "p", ParseDict(fields, JobSpec()))
    return [str(cause) for cause in found.causes]


def succeeding(rules: list[dict[str, Any]]) -> list[str]:
    found = Findings()
    check_success_policy(found, "p", ParseDict({"successPolicy": {"rules": rules}, "completions": 10}, JobSpec()))
    return [str(cause) for cause in found.causes]


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "FailJob", "onExitCodes": {"containerName": "first", "operator": "NotIn", "values": [0, 1]}},
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    ],
)
def test_a_good_rule_is_fine(rule: dict[str, Any]) -> None:
    assert failing([rule]) == []


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"onExitCodes": CODES}, 'action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]'),
        ({"action": "Odd", "onExitCodes": CODES}, 'action: Unsupported value: "Odd"'),
        ({"action": "FailIndex", "onExitCodes": CODES}, "requires the backoffLimitPerIndex to be set"),
        ({"action": "Count"}, ": Invalid value: specifying one of OnExitCodes and OnPodConditions is required"),
        (
            {"action": "Count", "onExitCodes": CODES, "onPodConditions": [{"type": "A", "status": "True"}]},
            ": Invalid value: specifying both OnExitCodes and OnPodConditions is not supported",
        ),
        (
            {"action": "Count", "onExitCodes": CODES | {"containerName": "x"}},
            'onExitCodes.containerName: Invalid value: "x": must be one of the container or initContainer names',
        ),
        ({"action": "Count", "onExitCodes": CODES | {"values": []}}, "values: Invalid value: []: at least one value"),
        ({"action": "Count", "onExitCodes": CODES | {"values": [0]}}, "values[0]: Invalid value: 0: must not be 0"),
        (
            {"action": "Count", "onExitCodes": CODES | {"values": [2, 1]}},
            "values: Invalid value: [2,1]: must be ordered",
        ),
        ({"action": "Count", "onExitCodes": CODES | {"values": [1, 1]}}, "values[1]: Duplicate value: 1"),
        (
            {"action": "Count", "onExitCodes": CODES | {"values": [*range(1, 257)]}},
            "values: Too many: 256: must have at most 255 items",
        ),
        (
            {"action": "Count", "onPodConditions": [{"type": "A", "status": "Perhaps"}]},
            'onPodConditions[0].status: Unsupported value: "Perhaps"',
        ),
    ],
)
def test_a_bad_rule_about_failures_is_told(rule: dict[str, Any], told: str) -> None:
    (line,) = failing([rule])
    assert line.startswith("p.rules[0]")
    assert told in line


def test_there_are_not_too_many_rules() -> None:
    assert failing([{"action": "Count", "onExitCodes": CODES}] * 21) == [
        "p.rules: Too many: 21: must have at most 20 items"
    ]


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([{"succeededIndexes": "0,2-4", "succeededCount": 2}], None),
        ([], "p.rules: Required value: at least one rules must be specified"),
        ([{}], "p.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified"),
        (
            [{"succeededCount": 11}],
            "succeededCount: Invalid value: 11: must be less than or equal to 10 (the number of",
        ),
        (
            [{"succeededIndexes": "1,2", "succeededCount": 3}],
            "must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)",
        ),
        ([{"succeededIndexes": "1-2-3"}], 'error parsing succeededIndexes: the fragment "1-2-3" violates'),
        ([{"succeededIndexes": "3,1"}], "non-increasing order, previous: 3, current: 1"),
        ([{"succeededIndexes": "5-5"}], "non-increasing order, previous: 5, current: 5"),
        ([{"succeededIndexes": "10"}], 'too large index: "10"'),
        ([{"succeededIndexes": "a"}], 'cannot convert string to integer for index: "a"'),
    ],
)
def test_rules_about_success_name_indexes_that_exist(rules: list[dict[str, Any]], told: str | None) -> None:
    lines = succeeding(rules)
    assert len(lines) == (0 if told is None else 1)
    assert all(told is not None and told in line for line in lines)
