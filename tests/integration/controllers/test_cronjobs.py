"""CronJobs start Jobs, one for each time."""

from __future__ import annotations

import time

from podlab_testing.cluster_view import ClusterView
from podlab_testing.fake_nodes import FakeNodes

from master.controllers.settings import ControllersSettings
from podlab.api.kinds import GroupKind
from podlab.api.objects import is_true
from podlab.batch.v1 import cronjob_pb2, job_pb2
from podlab.meta.v1 import meta_pb2


def cron_job(policy: str = "Allow") -> cronjob_pb2.CronJob:
    made = cronjob_pb2.CronJob(metadata=meta_pb2.ObjectMeta(name="tick", namespace="default"))
    made.spec.schedule, made.spec.concurrencyPolicy, made.spec.suspend = "* * * * *", policy, True
    made.spec.successfulJobsHistoryLimit = 1
    template = made.spec.jobTemplate.spec.template
    template.spec.restartPolicy = "Never"
    template.spec.containers.add(name="main", image="tick:1.0")
    return made


def jobs(seen: ClusterView) -> list[job_pb2.Job]:
    found: list[job_pb2.Job] = seen.informers.by_kind[GroupKind("batch", "Job")].list("default")
    return found


async def come_due(seen: ClusterView) -> None:
    """Its last start was two minutes ago, so one is due now."""
    one = await seen.client.get(cronjob_pb2.CronJob, "tick", "default")
    one.metadata.resourceVersion = ""
    one.status.lastScheduleTime.seconds = int(time.time()) - 120
    await seen.client.update_status(one)
    await seen.client.patch(cronjob_pb2.CronJob, "tick", "default", patch={"spec": {"suspend": False}})


async def test_a_due_job_is_started_once_runs_and_is_told_of(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(cron_job("Forbid"))
    await come_due(seen)
    await seen.until(lambda: len(jobs(seen)) == 1, "a Job")
    (job,) = jobs(seen)
    assert job.metadata.name.startswith("tick-")
    await seen.until(lambda: [one.status.phase for one in seen.pods()] == ["Running"], "its pod runs")

    def status() -> cronjob_pb2.CronJobStatus:
        found: cronjob_pb2.CronJob = seen.informers.by_kind[GroupKind("batch", "CronJob")].get("tick", "default")
        return found.status

    await seen.until(lambda: [one.name for one in status().active] == [job.metadata.name], "it is active")
    await nodes.end(seen.pods()[0], "Succeeded")
    await seen.until(lambda: status().HasField("lastSuccessfulTime") and not status().active, "it has succeeded")
    assert is_true(jobs(seen)[0].status.conditions, "Complete")
    await seen.until_told(
        {
            ("CronJob", "SuccessfulCreate", f"Created job {job.metadata.name}"),
            ("CronJob", "SawCompletedJob", f"Saw completed job: {job.metadata.name}, condition: Complete"),
        }
    )


async def test_a_running_job_is_replaced(seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings) -> None:
    await seen.client.create(cron_job("Replace"))
    await come_due(seen)
    await seen.until(lambda: len(jobs(seen)) == 1, "a Job")
    (first,) = jobs(seen)
    await seen.client.patch(cronjob_pb2.CronJob, "tick", "default", patch={"spec": {"suspend": True}})
    await seen.client.patch(
        job_pb2.Job,
        first.metadata.name,
        "default",
        patch={
            "metadata": {"annotations": {"batch.kubernetes.io/cronjob-scheduled-timestamp": "2020-01-01T00:00:00Z"}}
        },
    )
    await seen.client.patch(cronjob_pb2.CronJob, "tick", "default", patch={"spec": {"schedule": "@every 1s"}})
    await come_due(seen)
    # In the same minute it has the same name: only once the old one is gone can the new one be made.
    await seen.until(lambda: [one.metadata.uid for one in jobs(seen)] not in ([], [first.metadata.uid]), "another Job")
    await seen.until_told({("CronJob", "SuccessfulDelete", f"Deleted job {first.metadata.name}")})
