"""What tables show of workloads, as kubectl does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from podlab_testing import builtin_kinds, sample_objects

from podlab.api.jobstate import job_state
from podlab.api.values import times
from podlab.batch.v1.job_pb2 import Job

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
CREATED = times.text(times.from_datetime(NOW - timedelta(seconds=65)))


def cells(name: str, changes: dict[str, Any]) -> dict[str, str]:
    kind = builtin_kinds.named(name)
    item = sample_objects.sample(kind, {"metadata": {"creationTimestamp": CREATED}} | changes)
    return dict(
        zip(
            builtin_kinds.of(kind).table.columns(wide=True),
            builtin_kinds.of(kind).table.row(item, True, NOW),
            strict=True,
        )
    )


@pytest.mark.parametrize(
    ("name", "changes", "wanted"),
    [
        (
            "ReplicationController",
            {"spec": {"selector": {"app": "web"}}, "status": {"replicas": 2, "readyReplicas": 1}},
            {"DESIRED": "2", "CURRENT": "2", "READY": "1", "AGE": "65s", "CONTAINERS": "web", "SELECTOR": "app=web"},
        ),
        (
            "DaemonSet",
            {"status": {"desiredNumberScheduled": 5, "currentNumberScheduled": 4, "numberReady": 3,
                        "updatedNumberScheduled": 2, "numberAvailable": 1}},
            {"DESIRED": "5", "CURRENT": "4", "READY": "3", "UP-TO-DATE": "2", "AVAILABLE": "1"},
        ),
        ("StatefulSet", {"spec": {"replicas": 3}, "status": {"readyReplicas": 2}}, {"READY": "2/3"}),
        (
            "ControllerRevision",
            {"metadata": {"ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "u", "controller": True}
            ]}},
            {"CONTROLLER": "daemonset.apps/d", "REVISION": "3"},
        ),
        (
            "Job",
            {"spec": {"completions": 4}, "status": {"succeeded": 1, "startTime": CREATED}},
            {"STATUS": "Running", "COMPLETIONS": "1/4", "DURATION": "65s"},
        ),
        ("Job", {"spec": {"parallelism": 3}}, {"COMPLETIONS": "0/1 of 3", "DURATION": ""}),
        (
            "CronJob",
            {"spec": {"suspend": True}, "status": {"lastScheduleTime": CREATED, "active": [{"name": "a"}]}},
            {"SCHEDULE": "*/5 * * * *", "TIMEZONE": "Europe/Berlin", "SUSPEND": "True", "ACTIVE": "1",
             "LAST SCHEDULE": "65s", "SELECTOR": "<none>"},
        ),
        (
            "HorizontalPodAutoscaler",
            {"spec": {"minReplicas": 2}, "status": {"currentReplicas": 3}},
            {"REFERENCE": "Deployment/web", "TARGETS": "<none>", "MINPODS": "2", "MAXPODS": "5", "REPLICAS": "3"},
        ),
        (
            "PodDisruptionBudget",
            {"status": {"disruptionsAllowed": 1}},
            {"MIN AVAILABLE": "50%", "MAX UNAVAILABLE": "N/A", "ALLOWED DISRUPTIONS": "1"},
        ),
    ],
)  # fmt: skip
def test_a_kinds_columns_show_what_kubectl_shows(name: str, changes: dict[str, Any], wanted: dict[str, str]) -> None:
    shown = cells(name, changes)
    assert {header: shown[header] for header in wanted} == wanted


@pytest.mark.parametrize(
    ("conditions", "state"),
    [
        ([], "Running"),
        (["Suspended"], "Suspended"),
        (["FailureTarget"], "FailureTarget"),
        (["FailureTarget", "Failed"], "Failed"),
        (["SuccessCriteriaMet", "Complete"], "Complete"),
    ],
)
def test_a_jobs_state_is_one_word(conditions: list[str], state: str) -> None:
    item = Job(status={"conditions": [{"type": name, "status": "True"} for name in conditions]})
    assert job_state(item) == state


def test_a_job_that_is_deleted_is_terminating() -> None:
    item = Job()
    item.metadata.deletionTimestamp.seconds = 1
    assert job_state(item) == "Terminating"
