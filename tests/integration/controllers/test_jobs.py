"""Jobs from their creation to their end."""

from __future__ import annotations

import pytest
from podlab_testing.cluster_view import ClusterView
from podlab_testing.fake_nodes import FakeNodes

from master.controllers.settings import ControllersSettings
from podlab.api.kinds import GroupKind
from podlab.api.objects import is_true
from podlab.batch.v1 import job_pb2
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.v1 import apiserver_pb2

TRACKING = "batch.kubernetes.io/job-tracking"


def job(name: str = "sum", completions: int = 1, parallelism: int = 1, *, indexed: bool = False) -> job_pb2.Job:
    made = job_pb2.Job()
    made.metadata.name, made.metadata.namespace = name, "default"
    made.spec.completions, made.spec.parallelism = completions, parallelism
    if indexed:
        made.spec.completionMode = "Indexed"
    made.spec.template.spec.restartPolicy = "Never"
    made.spec.template.spec.containers.add(name="main", image="sum:1.0")
    return made


def status(seen: ClusterView, name: str = "sum") -> job_pb2.JobStatus:
    found = seen.informers.by_kind[GroupKind("batch", "Job")].get(name, "default")
    return found.status if found is not None else job_pb2.JobStatus()


def running(seen: ClusterView) -> list[pod_pb2.Pod]:
    return [pod for pod in seen.pods() if pod.status.phase == "Running"]


async def test_an_indexed_job_runs_each_index_once(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(job(completions=5, parallelism=2, indexed=True))
    done: set[str] = set()
    while len(done) < 5:
        await seen.until(lambda: {pod.metadata.name for pod in running(seen)} - done, "a pod to work")
        assert len(running(seen)) <= 2
        for pod in running(seen):
            if pod.metadata.name not in done:
                await nodes.end(pod, "Succeeded")
                done.add(pod.metadata.name)
    await seen.until(lambda: is_true(status(seen).conditions, "Complete"), "the Job is complete")
    assert (status(seen).succeeded, status(seen).failed, status(seen).completedIndexes) == (5, 0, "0-4")
    assert not status(seen).uncountedTerminatedPods.succeeded
    await seen.until(lambda: not any(TRACKING in pod.metadata.finalizers for pod in seen.pods()), "pods are let go of")
    assert len(seen.pods()) == 5
    await seen.until_told({("Job", "Completed", "Job completed")})


async def test_a_fatal_exit_code_ends_a_job_at_once(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    made = job(completions=3, parallelism=3)
    rule = made.spec.podFailurePolicy.rules.add(action="FailJob")
    rule.onExitCodes.operator = "In"
    rule.onExitCodes.values.append(42)
    await seen.client.create(made)
    await seen.until(lambda: len(running(seen)) == 3, "three pods")
    lost = running(seen)[0]
    await nodes.end(lost, "Failed", 42)
    await seen.until(lambda: is_true(status(seen).conditions, "Failed"), "the Job has failed")
    assert (status(seen).active, status(seen).failed, status(seen).terminating) == (0, 3, 0)
    said = (
        f"Container main for pod default/{lost.metadata.name} failed with exit code 42 matching FailJob rule at index 0"
    )
    await seen.until_told({("Job", "PodFailurePolicy", said)})
    await seen.until(lambda: len(seen.informers.pods.list()) == 1, "only the pod that failed is left")


async def test_a_suspended_job_has_no_pods_and_no_failures(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(job(completions=2, parallelism=2))
    await seen.until(lambda: len(running(seen)) == 2, "two pods")
    for suspend, pods in ((True, 0), (False, 2)):
        await seen.client.patch(job_pb2.Job, "sum", "default", patch={"spec": {"suspend": suspend}})
        await seen.until(lambda pods=pods: len(running(seen)) == status(seen).active == pods, f"{pods} pods")
        await seen.until(lambda on=suspend: is_true(status(seen).conditions, "Suspended") == on, "it says so")
    assert status(seen).failed == 0
    await seen.until_told({("Job", "Suspended", "Job suspended"), ("Job", "Resumed", "Job resumed")})


async def test_a_finished_job_goes_with_its_pods_when_its_time_is_over(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    made = job()
    made.spec.ttlSecondsAfterFinished = 1
    await seen.client.create(made)
    await seen.until(lambda: len(running(seen)) == 1, "a pod")
    await nodes.end(running(seen)[0], "Succeeded")
    await seen.until(lambda: is_true(status(seen).conditions, "Complete"), "the Job is complete")
    await seen.until(
        lambda: not seen.informers.by_kind[GroupKind("batch", "Job")].list() and not seen.informers.pods.list(),
        "Job and pod are gone",
    )


async def garbage_is_collected(seen: ClusterView) -> None:
    """What has lost its owner by now is gone: what loses it now goes."""
    lost = config_pb2.ConfigMap()
    lost.metadata.name, lost.metadata.namespace = "lost", "default"
    lost.metadata.ownerReferences.add(apiVersion="batch/v1", kind="Job", name="nobody", uid="nobody")
    await seen.client.create(lost)
    maps = seen.informers.by_kind[GroupKind("", "ConfigMap")]
    await seen.until(lambda: maps.get("lost", "default") is not None, "what is to go")
    await seen.until(lambda: maps.get("lost", "default") is None, "it to go")


@pytest.mark.parametrize("orphaned", [False, True], ids=["with its pods", "without its pods"])
async def test_pods_outlive_a_deleted_job_without_its_finalizer_or_not_at_all(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings, orphaned: bool
) -> None:
    await seen.client.create(job(completions=2, parallelism=2))
    await seen.until(lambda: len(running(seen)) == 2, "two pods")
    orphan, background = apiserver_pb2.PROPAGATION_POLICY_ORPHAN, apiserver_pb2.PROPAGATION_POLICY_BACKGROUND
    await seen.client.delete(job_pb2.Job, "sum", "default", propagation=orphan if orphaned else background)
    await seen.until(
        lambda: not any(TRACKING in pod.metadata.finalizers for pod in seen.informers.pods.list()), "pods are let go of"
    )
    if orphaned:
        await garbage_is_collected(seen)
        assert len(seen.pods()) == 2
    else:
        await seen.until(lambda: not seen.informers.pods.list(), "the pods are gone")


async def test_pods_that_a_job_takes_in_are_counted(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    for name in ("done", "lost"):
        pod = pod_pb2.Pod()
        pod.metadata.name, pod.metadata.namespace = name, "default"
        pod.metadata.labels["job"] = "mine"
        pod.spec.restartPolicy = "Never"
        pod.spec.containers.add(name="main", image="sum:1.0")
        await seen.client.create(pod)
    await seen.until(lambda: len(running(seen)) == 2, "two pods that nobody owns")
    for pod in running(seen):
        await nodes.end(pod, "Succeeded" if pod.metadata.name == "done" else "Failed")
    made = job(completions=2, parallelism=2)
    made.spec.manualSelector = True
    made.spec.selector.matchLabels["job"] = made.spec.template.metadata.labels["job"] = "mine"
    await seen.client.create(made)
    await seen.until(lambda: (status(seen).succeeded, status(seen).failed) == (1, 1), "both to be counted")
    assert {pod.metadata.ownerReferences[0].name for pod in seen.pods()} == {"sum"}
