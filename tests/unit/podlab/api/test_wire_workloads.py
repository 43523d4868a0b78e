"""The binary form of what keeps pods running is Kubernetes' own, put together from the numbers that it publishes."""

from collections.abc import Callable

import pytest
from podlab_testing.wire_format import TIME, TIME_JSON, Case, assert_same, blob, metadata, number, pair

from podlab.apps.v1.controllerrevision_pb2 import ControllerRevision
from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.autoscaling.v1.horizontalpodautoscaler_pb2 import HorizontalPodAutoscaler as OldAutoscaler
from podlab.autoscaling.v2.horizontalpodautoscaler_pb2 import HorizontalPodAutoscaler
from podlab.batch.v1.cronjob_pb2 import CronJob
from podlab.batch.v1.job_pb2 import Job
from podlab.core.v1.replicationcontroller_pb2 import ReplicationController
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget

PODS = blob(2, blob(2, blob(1, "c"), blob(2, "hello:1")))
PODS_JSON = {"metadata": {}, "spec": {"containers": [{"name": "c", "image": "hello:1", "resources": {}}]}}
SELECTOR_JSON = {"matchLabels": {"app": "web"}}
CONDITION_JSON = {"type": "T", "status": "True", "lastTransitionTime": TIME_JSON, "reason": "R", "message": "m"}


def selector(field: int) -> bytes:
    return blob(field, pair(1, "app", "web"))


def condition(field: int) -> bytes:
    return blob(field, blob(1, "T"), blob(2, "True"), blob(3, TIME), blob(4, "R"), blob(5, "m"))


def counts(*fields: int) -> bytes:
    """Each field has its own number as its value."""
    return b"".join(number(field, field) for field in fields)


def replication_controller() -> Case:
    spec = blob(2, number(1, 3), pair(2, "app", "web"), blob(3, PODS), number(4, 5))
    return (
        ReplicationController,
        metadata("a") + spec + blob(3, counts(1, 2, 3, 4, 5), condition(6)),
        {
            "metadata": {"name": "a"},
            "spec": {"replicas": 3, "selector": {"app": "web"}, "template": PODS_JSON, "minReadySeconds": 5},
            "status": {
                "replicas": 1,
                "fullyLabeledReplicas": 2,
                "observedGeneration": 3,
                "readyReplicas": 4,
                "availableReplicas": 5,
                "conditions": [CONDITION_JSON],
            },
        },
    )


def daemon_set() -> Case:
    rolling = blob(2, blob(1, number(1, 1), blob(3, "5%")), blob(2, number(2, 2)))
    strategy = blob(3, blob(1, "RollingUpdate"), rolling)
    spec = blob(2, selector(1), blob(2, PODS), strategy, number(4, 4), number(6, 6))
    return (
        DaemonSet,
        metadata("a") + spec + blob(3, counts(1, 2, 3, 4, 5, 6, 7, 8, 9), condition(10)),
        {
            "metadata": {"name": "a"},
            "spec": {
                "selector": SELECTOR_JSON,
                "template": PODS_JSON,
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "5%", "maxSurge": 2}},
                "minReadySeconds": 4,
                "revisionHistoryLimit": 6,
            },
            "status": {
                "currentNumberScheduled": 1,
                "numberMisscheduled": 2,
                "desiredNumberScheduled": 3,
                "numberReady": 4,
                "observedGeneration": 5,
                "updatedNumberScheduled": 6,
                "numberAvailable": 7,
                "numberUnavailable": 8,
                "collisionCount": 9,
                "conditions": [CONDITION_JSON],
            },
        },
    )


def stateful_set() -> Case:
    claim = blob(4, metadata("data"), blob(2, blob(1, "ReadWriteOnce")))
    spec = blob(
        2, number(1, 3), selector(2), blob(3, PODS), claim, blob(5, "web"), blob(6, "Parallel"),
        blob(7, blob(1, "RollingUpdate"), blob(2, number(1, 2))), number(8, 8), number(9, 9),
        blob(10, blob(1, "Delete"), blob(2, "Retain")), blob(11, number(1, 4)),
    )  # fmt: skip
    status = blob(3, counts(1, 2, 3, 4, 5), blob(6, "old"), blob(7, "new"), number(9, 9), condition(10), number(11, 11))
    return (
        StatefulSet,
        metadata("a") + spec + status,
        {
            "metadata": {"name": "a"},
            "spec": {
                "replicas": 3,
                "selector": SELECTOR_JSON,
                "template": PODS_JSON,
                "volumeClaimTemplates": [
                    {
                        "kind": "PersistentVolumeClaim",
                        "apiVersion": "v1",
                        "metadata": {"name": "data"},
                        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {}},
                        "status": {},
                    }
                ],
                "serviceName": "web",
                "podManagementPolicy": "Parallel",
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}},
                "revisionHistoryLimit": 8,
                "minReadySeconds": 9,
                "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"},
                "ordinals": {"start": 4},
            },
            "status": {
                "observedGeneration": 1,
                "replicas": 2,
                "readyReplicas": 3,
                "currentReplicas": 4,
                "updatedReplicas": 5,
                "currentRevision": "old",
                "updateRevision": "new",
                "collisionCount": 9,
                "conditions": [CONDITION_JSON],
                "availableReplicas": 11,
            },
        },
    )


def controller_revision() -> Case:
    return (
        ControllerRevision,
        metadata("a") + blob(2, blob(1, '{"spec":{"x":[1,null]}}')) + number(3, 7),
        {"metadata": {"name": "a"}, "data": {"spec": {"x": [1, None]}}, "revision": 7},
    )


def job() -> Case:
    codes = blob(2, blob(1, "c"), blob(2, "In"), number(3, 1), number(3, 2))
    failures = blob(
        11, blob(1, blob(1, "FailJob"), codes), blob(1, blob(1, "Count"), blob(3, blob(1, "A"), blob(2, "True")))
    )
    spec = blob(
        2, counts(1, 2, 3), selector(4), number(5, 1), blob(6, PODS), counts(7, 8), blob(9, "Indexed"), number(10, 1),
        failures, counts(12, 13), blob(14, "Failed"), blob(15, "a.io/b"),
        blob(16, blob(1, blob(1, "0-1"), number(2, 2))),
    )  # fmt: skip
    seen = blob(1, blob(1, "T"), blob(2, "True"), blob(3, TIME), blob(4, TIME), blob(5, "R"), blob(6, "m"))
    status = blob(
        3, seen, blob(2, TIME), blob(3, TIME), counts(4, 5, 6), blob(7, "0"), blob(8, blob(1, "u"), blob(2, "v")),
        number(9, 9), blob(10, "1"), number(11, 11),
    )  # fmt: skip
    return (
        Job,
        metadata("a") + spec + status,
        {
            "metadata": {"name": "a"},
            "spec": {
                "parallelism": 1,
                "completions": 2,
                "activeDeadlineSeconds": 3,
                "selector": SELECTOR_JSON,
                "manualSelector": True,
                "template": PODS_JSON,
                "backoffLimit": 7,
                "ttlSecondsAfterFinished": 8,
                "completionMode": "Indexed",
                "suspend": True,
                "podFailurePolicy": {
                    "rules": [
                        {
                            "action": "FailJob",
                            "onExitCodes": {"containerName": "c", "operator": "In", "values": [1, 2]},
                        },
                        {"action": "Count", "onPodConditions": [{"type": "A", "status": "True"}]},
                    ]
                },
                "backoffLimitPerIndex": 12,
                "maxFailedIndexes": 13,
                "podReplacementPolicy": "Failed",
                "managedBy": "a.io/b",
                "successPolicy": {"rules": [{"succeededIndexes": "0-1", "succeededCount": 2}]},
            },
            "status": {
                "conditions": [CONDITION_JSON | {"lastProbeTime": TIME_JSON}],
                "startTime": TIME_JSON,
                "completionTime": TIME_JSON,
                "active": 4,
                "succeeded": 5,
                "failed": 6,
                "completedIndexes": "0",
                "uncountedTerminatedPods": {"succeeded": ["u"], "failed": ["v"]},
                "ready": 9,
                "failedIndexes": "1",
                "terminating": 11,
            },
        },
    )


def cron_job() -> Case:
    template = blob(5, metadata("t"), blob(2, blob(6, PODS)))
    spec = blob(
        2, blob(1, "@daily"), number(2, 2), blob(3, "Forbid"), number(4, 1), template, counts(6, 7), blob(8, "Etc/UTC")
    )
    return (
        CronJob,
        metadata("a") + spec + blob(3, blob(1, blob(3, "a-1")), blob(4, TIME), blob(5, TIME)),
        {
            "metadata": {"name": "a"},
            "spec": {
                "schedule": "@daily",
                "startingDeadlineSeconds": 2,
                "concurrencyPolicy": "Forbid",
                "suspend": True,
                "jobTemplate": {"metadata": {"name": "t"}, "spec": {"template": PODS_JSON}},
                "successfulJobsHistoryLimit": 6,
                "failedJobsHistoryLimit": 7,
                "timeZone": "Etc/UTC",
            },
            "status": {"active": [{"name": "a-1"}], "lastScheduleTime": TIME_JSON, "lastSuccessfulTime": TIME_JSON},
        },
    )


REFERENCE = blob(1, blob(1, "Deployment"), blob(2, "web"), blob(3, "apps/v1"))
REFERENCE_JSON = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}


def old_autoscaler() -> Case:
    return (
        OldAutoscaler,
        metadata("a") + blob(2, REFERENCE, counts(2, 3, 4)) + blob(3, number(1, 1), blob(2, TIME), counts(3, 4, 5)),
        {
            "metadata": {"name": "a"},
            "spec": {
                "scaleTargetRef": REFERENCE_JSON,
                "minReplicas": 2,
                "maxReplicas": 3,
                "targetCPUUtilizationPercentage": 4,
            },
            "status": {
                "observedGeneration": 1,
                "lastScaleTime": TIME_JSON,
                "currentReplicas": 3,
                "desiredReplicas": 4,
                "currentCPUUtilizationPercentage": 5,
            },
        },
    )


def autoscaler() -> Case:
    share = blob(2, blob(1, "Utilization"), number(4, 80))
    each = blob(2, blob(1, "AverageValue"), blob(3, blob(1, "1")))
    named = blob(1, blob(1, "hits"), selector(2))
    about = blob(1, "Ingress"), blob(2, "web"), blob(3, "v1")
    whole = blob(2, blob(1, "Value"), blob(2, blob(1, "1")))
    metrics = (
        blob(4, blob(1, "Object"), blob(2, blob(1, *about), whole, blob(3, blob(1, "n")))),
        blob(4, blob(1, "Pods"), blob(3, named, each)),
        blob(4, blob(1, "Resource"), blob(4, blob(1, "cpu"), share)),
        blob(4, blob(1, "External"), blob(5, named, each)),
        blob(4, blob(1, "ContainerResource"), blob(7, blob(1, "cpu"), share, blob(3, "c"))),
    )  # fmt: skip
    rules = blob(1, blob(1, "Min"), blob(2, blob(1, "Pods"), number(2, 2), number(3, 3)), number(3, 9))
    current = blob(2, blob(1, blob(1, "1")), blob(2, blob(1, "2")), number(3, 3))
    found = (
        blob(5, blob(1, "Object"), blob(2, blob(1, blob(1, "n")), current, blob(3, *about))),
        blob(5, blob(1, "Pods"), blob(3, blob(1, blob(1, "n")), current)),
        blob(5, blob(1, "Resource"), blob(4, blob(1, "cpu"), current)),
        blob(5, blob(1, "External"), blob(5, blob(1, blob(1, "n")), current)),
        blob(5, blob(1, "ContainerResource"), blob(7, blob(1, "cpu"), current, blob(3, "c"))),
    )
    spec = blob(2, REFERENCE, counts(2, 3), *metrics, blob(5, rules))
    status = blob(3, number(1, 1), blob(2, TIME), counts(3, 4), *found, condition(6))
    share_json = {"type": "Utilization", "averageUtilization": 80}
    each_json = {"type": "AverageValue", "averageValue": "1"}
    named_json = {"name": "hits", "selector": SELECTOR_JSON}
    about_json = {"kind": "Ingress", "name": "web", "apiVersion": "v1"}
    current_json = {"current": {"value": "1", "averageValue": "2", "averageUtilization": 3}}
    n_json = {"metric": {"name": "n"}}
    return (
        HorizontalPodAutoscaler,
        metadata("a") + spec + status,
        {
            "metadata": {"name": "a"},
            "spec": {
                "scaleTargetRef": REFERENCE_JSON,
                "minReplicas": 2,
                "maxReplicas": 3,
                "metrics": [
                    {
                        "type": "Object",
                        "object": {"describedObject": about_json, "target": {"type": "Value", "value": "1"}, **n_json},
                    },
                    {"type": "Pods", "pods": {"metric": named_json, "target": each_json}},
                    {"type": "Resource", "resource": {"name": "cpu", "target": share_json}},
                    {"type": "External", "external": {"metric": named_json, "target": each_json}},
                    {
                        "type": "ContainerResource",
                        "containerResource": {"name": "cpu", "target": share_json, "container": "c"},
                    },
                ],
                "behavior": {
                    "scaleUp": {
                        "selectPolicy": "Min",
                        "policies": [{"type": "Pods", "value": 2, "periodSeconds": 3}],
                        "stabilizationWindowSeconds": 9,
                    }
                },
            },
            "status": {
                "observedGeneration": 1,
                "lastScaleTime": TIME_JSON,
                "currentReplicas": 3,
                "desiredReplicas": 4,
                "currentMetrics": [
                    {"type": "Object", "object": n_json | current_json | {"describedObject": about_json}},
                    {"type": "Pods", "pods": n_json | current_json},
                    {"type": "Resource", "resource": {"name": "cpu"} | current_json},
                    {"type": "External", "external": n_json | current_json},
                    {
                        "type": "ContainerResource",
                        "containerResource": {"name": "cpu", "container": "c"} | current_json,
                    },
                ],
                "conditions": [CONDITION_JSON],
            },
        },
    )


def budget() -> Case:
    bounds = blob(1, number(1, 1), blob(3, "50%")), selector(2), blob(3, number(2, 1)), blob(4, "AlwaysAllow")
    seen = blob(7, blob(1, "T"), blob(2, "True"), number(3, 3), blob(4, TIME), blob(5, "R"), blob(6, "m"))
    return (
        PodDisruptionBudget,
        metadata("a") + blob(2, *bounds) + blob(3, number(1, 1), pair(2, "p", TIME), counts(3, 4, 5, 6), seen),
        {
            "metadata": {"name": "a"},
            "spec": {
                "minAvailable": "50%",
                "selector": SELECTOR_JSON,
                "maxUnavailable": 1,
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
            "status": {
                "observedGeneration": 1,
                "disruptedPods": {"p": TIME_JSON},
                "disruptionsAllowed": 3,
                "currentHealthy": 4,
                "desiredHealthy": 5,
                "expectedPods": 6,
                "conditions": [CONDITION_JSON | {"observedGeneration": 3}],
            },
        },
    )


CASES = [
    replication_controller, daemon_set, stateful_set, controller_revision, job, cron_job, old_autoscaler, autoscaler,
    budget,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_workload_reads_from_and_writes_to_kubernetes_bytes(case: Callable[[], Case]) -> None:
    assert_same(*case())
