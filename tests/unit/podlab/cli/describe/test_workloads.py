"""Workloads in words."""

from datetime import UTC, datetime
from typing import Any

import pytest
from podlab_testing import builtin_kinds, sample_objects
from podlab_testing.builtin_kinds import apply_defaults

from podlab.cli.describe import command
from podlab.cli.describe.basics import Related

NOW = datetime(2030, 1, 1, tzinfo=UTC)
TIME = "2029-12-31T23:59:00Z"
SHARE = {"name": "cpu", "current": {"averageUtilization": 70}}


def described(name: str, changes: dict[str, Any]) -> list[str]:
    item = sample_objects.sample(builtin_kinds.named(name), changes)
    apply_defaults(item)
    return [" ".join(line.split()) for line in command.text(item, Related(NOW)).splitlines()]


@pytest.mark.parametrize(
    ("name", "changes", "lines"),
    [
        (
            "ReplicationController",
            {"status": {"replicas": 1}},
            ["Selector: app=web", "Replicas: 1 current / 2 desired"],
        ),
        (
            "DaemonSet",
            {"status": {"numberMisscheduled": 2}},
            ["Number of Nodes Misscheduled: 2", "Pods Status: 0 Running / 0 Pending / 0 Succeeded / 0 Failed"],
        ),
        (
            "StatefulSet",
            {"status": {"replicas": 1}},
            ["Replicas: 1 desired | 1 total", "Partition: 0", "Volume Claims: data: 1Gi ReadWriteOnce"],
        ),
        ("ControllerRevision", {}, ["Revision: 3", "replicas: 3"]),
        (
            "Job",
            {
                "spec": {"activeDeadlineSeconds": 9},
                "status": {"startTime": TIME, "completionTime": TIME, "succeeded": 1},
            },
            [
                "Active Deadline Seconds: 9s",
                "Pods Statuses: 0 Active (0 Ready) / 1 Succeeded / 0 Failed",
                "Duration: 0s",
                "Completion Mode: NonIndexed",
            ],
        ),
        (
            "CronJob",
            {"status": {"active": [{"name": "sample-1"}], "lastScheduleTime": TIME}},
            [
                "Schedule: */5 * * * *",
                "Time Zone: Europe/Berlin",
                "Completions: <unset>",
                "Active Jobs: sample-1",
                "Last Schedule Time: Mon, 31 Dec 2029 23:59:00 +0000",
            ],
        ),
        (
            "HorizontalPodAutoscaler",
            {"spec": {"behavior": {}}, "status": {"currentMetrics": [{"type": "Resource", "resource": SHARE}]}},
            [
                "Reference: Deployment/web",
                "resource cpu on pods: cpu: 70%/80%",
                "Stabilization Window: 0 seconds",
                "Deployment pods: 0 current / 0 desired",
            ],
        ),
        (
            "PodDisruptionBudget",
            {"status": {"expectedPods": 4}},
            ["Min available: 50%", "Selector: app=web", "Total: 4"],
        ),
    ],
)
def test_a_workload_is_told_in_kubectls_words(name: str, changes: dict[str, Any], lines: list[str]) -> None:
    told = described(name, changes)
    assert [line for line in lines if line not in told] == []
