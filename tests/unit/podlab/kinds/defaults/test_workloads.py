"""Defaults of all that makes pods, as JSON, which is how users see them."""

from typing import Any

import pytest
from podlab_testing import builtin_kinds, sample_objects
from podlab_testing.builtin_kinds import apply_defaults

from podlab.api.serializer import codec

SHARE = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
UP = [
    {"type": "Pods", "value": 4, "periodSeconds": 15},
    {"type": "Percent", "value": 100, "periodSeconds": 15},
]


def given(name: str, spec: dict[str, Any] | None = None) -> dict[str, Any]:
    item = sample_objects.sample(builtin_kinds.named(name), {"spec": spec or {}})
    apply_defaults(item)
    found: dict[str, Any] = codec.to_dict(item)
    return found


@pytest.mark.parametrize(
    ("name", "spec", "wanted"),
    [
        ("ReplicationController", {"replicas": None}, {"replicas": 1, "selector": {"app": "web"}}),
        (
            "DaemonSet",
            {},
            {
                "revisionHistoryLimit": 10,
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
            },
        ),
        ("DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, {"updateStrategy": {"type": "OnDelete"}}),
        (
            "StatefulSet",
            {},
            {
                "replicas": 1,
                "podManagementPolicy": "OrderedReady",
                "revisionHistoryLimit": 10,
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
                "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            },
        ),
        (
            "StatefulSet",
            {"updateStrategy": {"type": "RollingUpdate"}},
            {"updateStrategy": {"type": "RollingUpdate"}},
        ),
        (
            "Job",
            {},
            {
                "completions": 1,
                "parallelism": 1,
                "backoffLimit": 6,
                "completionMode": "NonIndexed",
                "suspend": False,
                "manualSelector": False,
                "podReplacementPolicy": "TerminatingOrFailed",
            },
        ),
        (
            "Job",
            {"completions": 5, "completionMode": "Indexed", "backoffLimitPerIndex": 1},
            {"backoffLimit": 2**31 - 1},
        ),
        ("Job", {"podFailurePolicy": {"rules": []}}, {"podReplacementPolicy": "Failed"}),
        (
            "CronJob",
            {},
            {
                "concurrencyPolicy": "Allow",
                "suspend": False,
                "successfulJobsHistoryLimit": 3,
                "failedJobsHistoryLimit": 1,
            },
        ),
        ("HorizontalPodAutoscaler", {}, {"minReplicas": 1, "metrics": [SHARE]}),
        (
            "HorizontalPodAutoscaler",
            {"behavior": {"scaleDown": {"selectPolicy": "Min"}}},
            {
                "behavior": {
                    "scaleUp": {"selectPolicy": "Max", "policies": UP, "stabilizationWindowSeconds": 0},
                    "scaleDown": {"selectPolicy": "Min", "policies": UP[1:]},
                }
            },
        ),
        ("PodDisruptionBudget", {}, {"minAvailable": "50%"}),
    ],
)
def test_what_is_left_out_is_given(name: str, spec: dict[str, Any], wanted: dict[str, Any]) -> None:
    found = given(name, spec)["spec"]
    assert {field: found[field] for field in wanted} == wanted


@pytest.mark.parametrize("name", ["ReplicationController", "DaemonSet", "StatefulSet", "Job"])
def test_templates_get_what_pods_get(name: str) -> None:
    assert given(name)["spec"]["template"]["spec"]["dnsPolicy"] == "ClusterFirst"


def test_a_cron_jobs_template_gets_nothing_that_is_for_each_job_to_have() -> None:
    spec = given("CronJob")["spec"]["jobTemplate"]["spec"]
    assert set(spec) == {"template"}
    assert spec["template"]["spec"]["dnsPolicy"] == "ClusterFirst"


def test_a_controller_and_a_job_have_their_templates_labels() -> None:
    assert given("ReplicationController")["metadata"]["labels"] == {"app": "web"}
    labelled = {"template": {"metadata": {"labels": {"app": "work"}}}}
    assert given("Job", labelled)["metadata"]["labels"] == {"app": "work"}


def test_a_failed_pods_condition_is_looked_for_as_true() -> None:
    rules = [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]
    found = given("Job", {"podFailurePolicy": {"rules": rules}})
    assert found["spec"]["podFailurePolicy"]["rules"][0]["onPodConditions"][0]["status"] == "True"


def test_a_stateful_sets_claims_get_what_claims_get() -> None:
    (claim,) = given("StatefulSet")["spec"]["volumeClaimTemplates"]
    assert (claim["spec"]["volumeMode"], claim["status"]["phase"]) == ("Filesystem", "Pending")
