from collections.abc import Callable
from typing import Any

import pytest
from podlab_testing import builtin_kinds, sample_objects
from podlab_testing.builtin_kinds import apply_defaults

from podlab.batch.v1.job_pb2 import Job
from podlab.kinds.strategies import jobs

Found = Callable[..., list[str]]
Changes = dict[str, Any]
INDEXED = {"completionMode": "Indexed", "completions": 5}
MANY = {"completionMode": "Indexed", "completions": 200_000, "backoffLimitPerIndex": 1}


def made(spec: Changes | None = None, name: str = "sample") -> Job:
    item: Job = sample_objects.sample(
        builtin_kinds.named("Job"), {"metadata": {"uid": "u-1", "name": name}, "spec": spec or {}}
    )
    apply_defaults(item)
    jobs.begin(item)
    return item


@pytest.mark.parametrize(
    "spec",
    [
        {},
        INDEXED,
        INDEXED | {"backoffLimitPerIndex": 1, "maxFailedIndexes": 5},
        {
            "manualSelector": True,
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}},
        },
        {"managedBy": "example.com/queue"},
    ],
)
def test_a_good_job_is_fine(found: Found, spec: Changes) -> None:
    assert found(made(spec)) == []


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"parallelism": -1}, "spec.parallelism: Invalid value: -1: must be greater than or equal to 0"),
        ({"completions": -1}, "spec.completions: Invalid value: -1: must be greater than or equal to 0"),
        ({"backoffLimit": -1}, "spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0"),
        ({"ttlSecondsAfterFinished": -1}, "spec.ttlSecondsAfterFinished: Invalid value: -1: must be greater than or"),
        (
            {"completionMode": "Odd"},
            'spec.completionMode: Unsupported value: "Odd": supported values: "NonIndexed", "Indexed"',
        ),
        ({"backoffLimitPerIndex": 1}, "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"),
        (
            INDEXED | {"completions": None, "parallelism": 1},
            "spec.completions: Required value: when completion mode is Indexed",
        ),
        (
            INDEXED | {"maxFailedIndexes": 1},
            "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
        ),
        (
            INDEXED | {"backoffLimitPerIndex": 1, "maxFailedIndexes": 6},
            "spec.maxFailedIndexes: Invalid value: 6: must be less than or equal to completions",
        ),
        (
            INDEXED | {"parallelism": 100_001},
            "spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is",
        ),
        (MANY, "spec.maxFailedIndexes: Required value: must be specified when completions is above 100000"),
        (
            MANY | {"maxFailedIndexes": 10_001},
            "spec.maxFailedIndexes: Invalid value: 10001: must be less than or equal to 10000 when completions",
        ),
        ({"managedBy": "nobody"}, 'spec.managedBy: Invalid value: "nobody": must be a domain-prefixed path'),
        ({"managedBy": f"a.io/{'b' * 60}"}, "spec.managedBy: Too long: may not be more than 63 bytes"),
        ({"successPolicy": {"rules": []}}, "spec.successPolicy: Invalid value: {}: requires indexed completion mode"),
        (
            {"podReplacementPolicy": "Never"},
            'spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed", "TerminatingOrFailed"',
        ),
        (
            {"template": {"spec": {"restartPolicy": "Always"}}},
            'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
        ),
        (
            {"podFailurePolicy": {"rules": []}, "template": {"spec": {"restartPolicy": "OnFailure"}}},
            'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when',
        ),
        ({"selector": {"matchLabels": {"a": "b"}}}, "spec.selector: Invalid value:"),
        (
            {"template": {"metadata": {"labels": {"job-name": "other"}}}},
            "spec.template.metadata.labels[job-name]: Invalid value:",
        ),
    ],
)
def test_a_bad_job_is_told_by_path_and_rule(found: Found, spec: Changes, told: str) -> None:
    lines = found(made(spec))
    assert lines, "nothing was found"
    assert any(told in line for line in lines), lines
    assert all(line.split(":")[0] in told or "selector" in line for line in lines), lines


def test_an_indexed_jobs_name_must_leave_room_for_its_pods(found: Found) -> None:
    long = "a" * 62
    assert found(made(INDEXED, long))[0].startswith(
        f'metadata.name: Invalid value: "{long}": will not able to create pod'
    )


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"completions": 1, "parallelism": 5, "suspend": True, "backoffLimit": 1, "activeDeadlineSeconds": 5}, []),
        ({"completions": 2}, ["spec.completions: Invalid value: 2: field is immutable"]),
        ({"backoffLimitPerIndex": 1}, ["spec.backoffLimitPerIndex: Invalid value: 1: field is immutable"]),
        ({"managedBy": "a.io/b"}, ['spec.managedBy: Invalid value: "a.io/b": field is immutable']),
        (
            {"template": {"spec": {"nodeSelector": {"a": "b"}}}},
            ["spec.template: Invalid value: {}: field is immutable"],
        ),
    ],
)
def test_most_of_a_job_stays(found: Found, spec: Changes, told: list[str]) -> None:
    assert [line for line in found(made(spec), made()) if "requires indexed" not in line] == told


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"completions": 7, "parallelism": 7}, []),
        (
            {"completions": 7},
            ["spec.completions: Invalid value: 7: can only be modified in tandem with spec.parallelism"],
        ),
    ],
)
def test_an_indexed_job_grows_with_its_parallelism(found: Found, spec: Changes, told: list[str]) -> None:
    assert found(made(INDEXED | spec), made(INDEXED)) == told


def test_a_job_that_has_not_begun_may_be_sent_elsewhere(found: Found) -> None:
    node = {"nodeSelector": {"disk": "ssd"}, "tolerations": [{"operator": "Exists"}]}
    affinity = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]
            }
        }
    }
    new = {"suspend": True, "template": {"spec": node | {"affinity": affinity}}}
    old = made({"suspend": True})
    assert found(made(new), old) == []
    assert found(made({"suspend": True}), made(new)) == []
    old.status.startTime.seconds = 1
    assert found(made(new), old) == ["spec.template: Invalid value: {}: field is immutable"]
    image = {"suspend": True, "template": {"spec": {"containers": [{"name": "work", "image": "other:1"}]}}}
    assert found(made(image), made({"suspend": True})) == ["spec.template: Invalid value: {}: field is immutable"]
