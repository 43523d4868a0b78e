"""What a Job's pods make it do and say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from master.controllers.workloads.job.decide import BURST, decide
from master.controllers.workloads.job.pods import TRACKING, index_of
from podlab.batch.v1 import job_pb2

NOW = 1_000_000
Builder = Callable[..., Any]
Cluster = Any


def conditions(status: job_pb2.JobStatus) -> dict[str, str]:
    """The reasons of those that hold."""
    return {one.type: one.reason for one in status.conditions if one.status == "True"}


def with_spec(job: job_pb2.Job, spec: dict[str, Any]) -> job_pb2.Job:
    json_format.ParseDict(spec, job.spec)
    return job


@pytest.mark.parametrize(
    ("spec", "present", "create", "discard"),
    [
        pytest.param({}, [{}], 0, 0, id="nothing to do"),
        pytest.param({"completions": 5, "parallelism": 3}, [], 3, 0, id="as many as may run at once"),
        pytest.param({"completions": 2, "parallelism": 3}, [], 2, 0, id="no more than have to succeed"),
        pytest.param(
            {"completions": 3, "parallelism": 3}, [{"phase": "Succeeded"}, {}], 1, 0, id="one succeeded, one runs"
        ),
        pytest.param({"completions": 3, "parallelism": 1}, [{}, {}], 0, 1, id="parallelism was lowered"),
        pytest.param({"completions": 9, "parallelism": 0}, [], 0, 0, id="no parallelism, no pods"),
        pytest.param({"completions": None, "parallelism": 2}, [], 2, 0, id="a work queue"),
        pytest.param(
            {"completions": None, "parallelism": 3}, [{"phase": "Succeeded"}, {}], 0, 0, id="a work queue that ends"
        ),
        pytest.param({"suspend": True}, [], 0, 0, id="suspended"),
        pytest.param({"suspend": True}, [{}], 0, 1, id="suspended while a pod runs"),
        pytest.param({"completions": 1000, "parallelism": 1000}, [], BURST, 0, id="no more than a burst at once"),
        pytest.param(
            {"completions": 2, "parallelism": 2}, [{"going": True}, {}], 0, 0, id="a lost pod is replaced after a while"
        ),
        pytest.param(
            {"completions": 2, "parallelism": 2, "podReplacementPolicy": "Failed"},
            [{"going": True}],
            1,
            0,
            id="a pod that is being stopped is waited for",
        ),
        pytest.param(
            {"completions": 2, "parallelism": 2},
            [{"phase": "Failed", "ended_at": NOW - 10}, {}],
            1,
            0,
            id="a pod that failed is replaced after 10 s",
        ),
        pytest.param(
            {"completions": 2, "parallelism": 2},
            [{"phase": "Failed", "ended_at": NOW - 9}, {}],
            0,
            0,
            id="and not before",
        ),
        pytest.param(
            {"completions": 2, "parallelism": 2},
            [{"phase": "Failed", "ended_at": NOW - 9, "tracked": False}, {}],
            0,
            0,
            id="nor when it was counted already",
        ),
    ],
)
def test_pods_are_made_and_dismissed(
    job: Builder, job_pod: Builder, spec: dict[str, Any], present: list[dict[str, Any]], create: int, discard: int
) -> None:
    one = job(**spec)
    changes = decide(one, [job_pod(one, **looks) for looks in present], NOW).changes
    assert (len(changes.create), len(changes.discard), len(changes.delete)) == (create, discard, 0)


@pytest.mark.parametrize(
    ("spec", "present", "indexes"),
    [
        pytest.param({}, [], [0, 1, 2], id="all of them"),
        pytest.param({"parallelism": 2}, [], [0, 1], id="the lowest first"),
        pytest.param({}, [{"index": 1}], [0, 2], id="one is worked on"),
        pytest.param({}, [{"index": 0, "phase": "Succeeded"}, {"index": 1}], [2], id="one is done"),
        pytest.param({}, [{"index": 1, "phase": "Failed"}], [0, 1, 2], id="one failed"),
        pytest.param(
            {"podReplacementPolicy": "Failed"}, [{"index": 0, "going": True}], [1, 2], id="one is being stopped"
        ),
        pytest.param({}, [{"index": 7}, {"index": 0}], [], id="first, what has no place goes"),
        pytest.param({}, [{"index": 0}, {"index": 0}], [], id="first, a second one of an index goes"),
    ],
)
def test_an_indexed_job_makes_a_pod_for_each_index(
    job: Builder, job_pod: Builder, spec: dict[str, Any], present: list[dict[str, Any]], indexes: list[int]
) -> None:
    one = job(**{"completions": 3, "parallelism": 3, "indexed": True, **spec})
    changes = decide(one, [job_pod(one, **looks) for looks in present], NOW).changes
    assert [index_of(pod) for pod in changes.create] == indexes
    assert bool(changes.discard) == (not indexes)


def test_a_pod_of_an_index_knows_its_index(job: Builder) -> None:
    one = job(completions=2, parallelism=2, indexed=True)
    one.spec.template.spec.containers.add(name="own").env.add(name="JOB_COMPLETION_INDEX", value="mine")
    _, pod = decide(one, [], NOW).changes.create
    key = "batch.kubernetes.io/job-completion-index"
    assert pod.metadata.labels[key] == pod.metadata.annotations[key] == "1"
    assert pod.spec.hostname == "sum-1"
    assert pod.metadata.name.startswith("sum-1-")
    assert list(pod.metadata.finalizers) == [TRACKING]
    given_env, own = (container.env for container in pod.spec.containers)
    assert given_env[0].valueFrom.fieldRef.fieldPath == f"metadata.labels['{key}']"
    assert [variable.value for variable in own] == ["mine"]


FAIL_ON_3 = {"podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [3]}}]}}
IGNORE_DISRUPTION = {
    "podFailurePolicy": {
        "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
    }
}


@pytest.mark.parametrize(
    ("shape", "spec", "present", "reason"),
    [
        pytest.param({}, {}, [{"phase": "Failed"}], None, id="a failure is borne"),
        pytest.param({}, {"backoffLimit": 0}, [{"phase": "Failed"}], "BackoffLimitExceeded", id="none is allowed"),
        pytest.param(
            {}, {"backoffLimit": 1}, [{"phase": "Failed"}, {"going": True}], "BackoffLimitExceeded", id="one is allowed"
        ),
        pytest.param({}, {**FAIL_ON_3}, [{"phase": "Failed", "code": 3}], "PodFailurePolicy", id="a fatal exit code"),
        pytest.param({}, {**FAIL_ON_3}, [{"phase": "Failed", "code": 4}], None, id="another exit code"),
        pytest.param(
            {},
            {**IGNORE_DISRUPTION, "backoffLimit": 0},
            [{"phase": "Failed", "condition": "DisruptionTarget"}],
            None,
            id="an ignored failure is free",
        ),
        pytest.param(
            {"restarts": "OnFailure"}, {"backoffLimit": 2}, [{"restarts": 1}], None, id="containers restart in place"
        ),
        pytest.param(
            {"restarts": "OnFailure"},
            {"backoffLimit": 2},
            [{"restarts": 2}],
            "BackoffLimitExceeded",
            id="containers restarted too often",
        ),
        pytest.param({}, {"activeDeadlineSeconds": 100}, [{}], "DeadlineExceeded", id="out of time"),
        pytest.param({}, {"activeDeadlineSeconds": 101}, [{}], None, id="not yet out of time"),
        pytest.param({}, {"activeDeadlineSeconds": 100, "suspend": True}, [], None, id="time stands while suspended"),
        pytest.param(
            {"indexed": True, "completions": 3},
            {"backoffLimitPerIndex": 0, "maxFailedIndexes": 0},
            [{"index": 1, "phase": "Failed"}],
            "MaxFailedIndexesExceeded",
            id="too many indexes failed",
        ),
        pytest.param(
            {"indexed": True, "completions": 2},
            {"backoffLimitPerIndex": 0},
            [{"index": 1, "phase": "Failed"}, {"index": 0, "phase": "Succeeded"}],
            "FailedIndexes",
            id="all indexes are done, and one failed",
        ),
        pytest.param(
            {"indexed": True, "completions": 2},
            {"backoffLimitPerIndex": 1},
            [{"index": 1, "phase": "Failed"}, {"index": 0, "phase": "Succeeded"}],
            None,
            id="an index is tried again",
        ),
    ],
)
def test_a_job_fails_for_a_reason(
    job: Builder,
    job_pod: Builder,
    shape: dict[str, Any],
    spec: dict[str, Any],
    present: list[dict[str, Any]],
    reason: str | None,
) -> None:
    one = with_spec(job(**shape), spec)
    one.status.startTime.seconds = NOW - 100
    pods = [job_pod(one, **looks) for looks in present]
    plan = decide(one, pods, NOW)
    expected = {} if reason is None else {"FailureTarget": reason}
    if one.spec.suspend:
        expected = {"Suspended": "JobSuspended"}
    assert conditions(plan.status) == expected
    assert bool(plan.changes.delete) == (reason is not None and any("phase" not in looks for looks in present[:1]))


@pytest.mark.parametrize(
    ("rules", "done", "expected"),
    [
        pytest.param([{"succeededIndexes": "0"}], [0], "Matched rules at index 0", id="the leader is done"),
        pytest.param([{"succeededIndexes": "0"}], [1, 2], None, id="the leader is not"),
        pytest.param([{"succeededCount": 2}], [1, 3], "Matched rules at index 0", id="enough are"),
        pytest.param(
            [{"succeededIndexes": "0"}, {"succeededIndexes": "1-3", "succeededCount": 2}],
            [1, 3],
            "Matched rules at index 1",
            id="the second rule",
        ),
        pytest.param([{"succeededIndexes": "1-3", "succeededCount": 2}], [0, 3], None, id="too few of them"),
    ],
)
def test_a_success_policy_ends_a_job_early(
    job: Builder, job_pod: Builder, rules: list[dict[str, Any]], done: list[int], expected: str | None
) -> None:
    one = with_spec(job(completions=5, parallelism=5, indexed=True), {"successPolicy": {"rules": rules}})
    working = job_pod(one, index=4)
    plan = decide(one, [*(job_pod(one, "Succeeded", index=index) for index in done), working], NOW)
    assert [one.message for one in plan.status.conditions] == ([expected] if expected else [])
    assert plan.changes.discard == ([working] if expected else [])


def test_a_job_tells_how_it_went_on(job: Builder, cluster: type[Cluster]) -> None:
    """From its first pod to its end: counts, times, conditions, Events."""
    lab = cluster(job(completions=2, parallelism=2, suspend=True))
    lab.settle()
    assert conditions(lab.job.status) == {"Suspended": "JobSuspended"}
    assert not lab.job.status.HasField("startTime")
    lab.job.spec.suspend = False
    lab.now += 5
    lab.settle()
    assert (lab.job.status.active, lab.job.status.startTime.seconds) == (2, NOW + 5)
    for pod in lab.active():
        lab.now += 1
        lab.end(pod, "Succeeded")
        lab.settle()
    status = lab.job.status
    assert conditions(status) == {"SuccessCriteriaMet": "CompletionsReached", "Complete": "CompletionsReached"}
    assert (status.active, status.succeeded, status.failed, status.terminating) == (0, 2, 0, 0)
    assert status.completionTime.seconds == NOW + 7
    assert lab.events == ["Suspended", "Resumed", "Completed"]
    assert not any(TRACKING in pod.metadata.finalizers for pod in lab.pods.values())


def test_a_failed_job_is_only_finished_when_its_pods_are(job: Builder, cluster: type[Cluster]) -> None:
    lab = cluster(job(completions=3, parallelism=3, backoffLimit=0))
    lab.settle()
    lab.end(lab.active()[0], "Failed")
    lab.pass_over()
    assert conditions(lab.job.status) == {"FailureTarget": "BackoffLimitExceeded"}
    lab.pass_over()
    assert lab.job.status.terminating == 2
    lab.settle()
    assert conditions(lab.job.status)["Failed"] == "BackoffLimitExceeded"
    assert (lab.job.status.failed, lab.job.status.terminating) == (3, 0)
    assert lab.events == ["BackoffLimitExceeded"]


def test_an_index_that_fails_is_tried_again_as_often_as_allowed(job: Builder, cluster: type[Cluster]) -> None:
    lab = cluster(with_spec(job(completions=2, parallelism=2, indexed=True), {"backoffLimitPerIndex": 1}))
    lab.settle()
    for index, failures in ((0, "0"), (0, "1")):
        (pod,) = (one for one in lab.active() if index_of(one) == index)
        assert pod.metadata.annotations["batch.kubernetes.io/job-index-failure-count"] == failures
        lab.end(pod, "Failed")
        lab.now += 20
        lab.settle()
    assert (lab.job.status.failedIndexes, lab.job.status.failed) == ("0", 2)
    (other,) = lab.active()
    lab.end(other, "Succeeded")
    lab.settle()
    assert conditions(lab.job.status)["Failed"] == "FailedIndexes"
    assert (lab.job.status.completedIndexes, lab.job.status.failedIndexes) == ("1", "0")


def test_a_job_that_goes_lets_go_of_its_pods(job: Builder, job_pod: Builder) -> None:
    one = job(parallelism=2, completions=2)
    one.metadata.deletionTimestamp.seconds = NOW
    pods = [job_pod(one), job_pod(one, tracked=False)]
    plan = decide(one, pods, NOW)
    assert plan.release == pods[:1]
    assert plan.status == one.status
    assert plan.changes.create == plan.changes.delete == []


@pytest.mark.parametrize("indexed", [False, True], ids=["alike", "indexed"])
@settings(max_examples=60)
@given(data=st.data())
def test_each_pod_is_counted_once_wherever_the_controller_dies(
    job: Builder, cluster: type[Cluster], indexed: bool, data: st.DataObject
) -> None:
    """Pods end in any order; passes end anywhere. The counts are those of what happened, and the Job completes."""
    lab = cluster(job(completions=6, parallelism=3, indexed=indexed, backoffLimit=100))
    succeeded = failed = 0
    for _ in range(60):
        if lab.job.status.HasField("completionTime"):
            break
        lab.pass_over(data.draw(st.integers(0, 5), label="steps"))
        active = lab.active()
        assert len(active) <= 3
        lab.now += 400
        if active and data.draw(st.booleans(), label="ends"):
            fails = failed < 5 and data.draw(st.booleans(), label="fails")
            lab.end(data.draw(st.sampled_from(active)), "Failed" if fails else "Succeeded")
            failed, succeeded = failed + fails, succeeded + (not fails)
    while active := [*lab.active(), *([] if lab.job.status.HasField("completionTime") else [None])]:
        lab.settle()
        for pod in lab.active():
            lab.end(pod, "Succeeded")
            succeeded += 1
        lab.now += 400
        assert len(active) <= 4
    lab.settle()
    assert (lab.job.status.succeeded, lab.job.status.failed) == (succeeded, failed)
    assert succeeded == 6
    assert conditions(lab.job.status)["Complete"] == "CompletionsReached"
    assert not any(TRACKING in pod.metadata.finalizers for pod in lab.pods.values())


def test_pods_are_only_let_go_of_once_the_api_shows_that_they_were_taken_in(
    job: Builder, cluster: type[Cluster]
) -> None:
    """Else a Job seen late would make up for a pod that it does not know to have succeeded."""
    lab = cluster(job(completions=2, parallelism=1))
    lab.settle()
    (pod,) = lab.active()
    lab.end(pod, "Succeeded")
    assert lab.plan().release == []
    assert list(lab.plan().status.uncountedTerminatedPods.succeeded) == [pod.metadata.uid]
