from collections.abc import Callable
from typing import Any

import pytest
from podlab_testing import builtin_kinds, sample_objects

Found = Callable[..., list[str]]


def made(spec: dict[str, Any], name: str = "sample") -> Any:
    return sample_objects.sample(builtin_kinds.named("CronJob"), {"metadata": {"name": name}, "spec": spec})


@pytest.mark.parametrize(
    "spec", [{}, {"timeZone": "Etc/UTC"}, {"schedule": "@every 1h"}, {"concurrencyPolicy": "Forbid"}]
)
def test_a_good_cron_job_is_fine(found: Found, spec: dict[str, Any]) -> None:
    assert found(made(spec)) == []


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"schedule": ""}, "spec.schedule: Required value"),
        ({"schedule": "x"}, 'spec.schedule: Invalid value: "x": expected exactly 5 fields, found 1'),
        (
            {"schedule": "TZ=UTC 0 0 * * *"},
            'spec.schedule: Invalid value: "TZ=UTC 0 0 * * *": cannot use TZ or CRON_TZ in schedule',
        ),
        ({"timeZone": ""}, 'spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string'),
        ({"timeZone": "LOCAL"}, 'spec.timeZone: Invalid value: "LOCAL": timeZone must be an explicit time zone'),
        (
            {"timeZone": "../etc/passwd"},
            'spec.timeZone: Invalid value: "../etc/passwd": unknown time zone ../etc/passwd',
        ),
        ({"timeZone": "Europe"}, 'spec.timeZone: Invalid value: "Europe": unknown time zone Europe'),
        ({"startingDeadlineSeconds": -1}, "spec.startingDeadlineSeconds: Invalid value: -1"),
        ({"failedJobsHistoryLimit": -1}, "spec.failedJobsHistoryLimit: Invalid value: -1"),
        ({"concurrencyPolicy": "Perhaps"}, 'spec.concurrencyPolicy: Unsupported value: "Perhaps"'),
        (
            {"jobTemplate": {"spec": {"parallelism": -1}}},
            "spec.jobTemplate.spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            {"jobTemplate": {"spec": {"selector": {"matchLabels": {"a": "b"}}}}},
            "spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated",
        ),
        (
            {"jobTemplate": {"spec": {"manualSelector": True}}},
            'spec.jobTemplate.spec.manualSelector: Unsupported value: "true": supported values: "nil", "false"',
        ),
        (
            {"jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": None}}}}},
            "spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values",
        ),
    ],
)
def test_a_bad_cron_job_is_told_by_path_and_rule(found: Found, spec: dict[str, Any], told: str) -> None:
    (line,) = found(made(spec))
    assert line.startswith(told)


def test_a_name_leaves_room_for_those_of_its_jobs(found: Found) -> None:
    assert found(made({}, "a" * 52)) == []
    assert found(made({}, "a" * 53)) == [
        'metadata.name: Invalid value: "' + "a" * 53 + '": must be no more than 52 characters'
    ]
