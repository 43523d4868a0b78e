"""The CronJob controller: wakes when a schedule comes due or a Job changes, starts Jobs and clears old ones away."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from master.controllers.framework.informers import Index, Informers, controller_uid
from master.controllers.framework.lastwrites import LastWrites
from master.controllers.framework.loop import Loop
from master.controllers.workloads.cronjob.decide import CronJobPlan, JobStart, decide, started
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key, controller_of, is_owner, key
from podlab.batch.v1 import cronjob_pb2, job_pb2
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change, Informer
from podlab.errors import AlreadyExists, ApiError, NotFound
from podlab.v1 import apiserver_pb2

log = logging.getLogger(__name__)

# What is due then is due for certain, although timers and the clock do not agree to the millisecond.
LATER_S = 0.1
# The clock may be set: no longer sleep than that.
LOOK_AGAIN_S = 600.0
_HOST_ZONE = Path("/etc/localtime")


class CronJobController:
    """Keys are CronJobs'. A Job is named after its minute: it is made once, however stale what is known of it."""

    name: Final = "cronjob"

    def __init__(self, client: Client, informers: Informers, recorder: EventRecorder) -> None:
        self._client = client
        self._informers = informers
        self._recorder = recorder
        self._cron_jobs: Informer[cronjob_pb2.CronJob] = informers.of(cronjob_pb2.CronJob)
        self._jobs_by_controller = Index(informers.jobs, controller_uid)
        self._last_writes = LastWrites(self._cron_jobs)
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        self._cron_jobs.on_change(lambda change: self._loop.queue.add(change.key))
        informers.jobs.on_change(self._job_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        cron_job = self._cron_jobs.store.get(at)
        if cron_job is None or not self._last_writes.is_current(cron_job):
            return
        try:
            zone = zone_of(cron_job)
        except ZoneInfoNotFoundError as error:
            message = f'invalid timeZone: "{cron_job.spec.timeZone}": {error}'
            self._recorder.event(cron_job, "Warning", "UnknownTimeZone", message)
            return
        plan = decide(cron_job, await self._jobs_of(cron_job), datetime.now(UTC), zone)
        for event in plan.events:
            self._recorder.event(cron_job, *event)
        await self._carry_out(cron_job, plan)
        if plan.wait_s is not None:
            self._loop.queue.add_after(at, min(plan.wait_s + LATER_S, LOOK_AGAIN_S))

    async def _carry_out(self, cron_job: cronjob_pb2.CronJob, plan: CronJobPlan) -> None:
        status = plan.status
        if plan.start is not None:
            for running in plan.start.instead_of:
                await self._delete(cron_job, running)
            job = await self._create(cron_job, plan.start)
            status = started(status, plan.start, job)
        if status != cron_job.status:
            changed = cronjob_pb2.CronJob()
            changed.CopyFrom(cron_job)
            changed.status.CopyFrom(status)
            self._last_writes.note(await self._client.update_status(changed))
        for old in plan.old:
            await self._delete(cron_job, old)

    async def _jobs_of(self, cron_job: cronjob_pb2.CronJob) -> list[job_pb2.Job]:
        """Those that the informer shows, and those that were started and that it has yet to show."""
        jobs = self._jobs_by_controller.get(cron_job.metadata.uid)
        shown = {job.metadata.uid for job in jobs}
        for active in cron_job.status.active:
            if active.uid not in shown:
                found = await self._find(active.name, cron_job.metadata.namespace)
                if found is not None and found.metadata.uid == active.uid:
                    jobs.append(found)
        return jobs

    async def _create(self, cron_job: cronjob_pb2.CronJob, start: JobStart) -> job_pb2.Job:
        """The Job; also one that was made for this time before. Raises AlreadyExists for one of somebody else."""
        try:
            made = await self._client.create(start.job)
        except AlreadyExists:
            there = await self._client.get(job_pb2.Job, start.job.metadata.name, start.job.metadata.namespace)
            owner = controller_of(there.metadata)
            if owner is not None and owner.uid == cron_job.metadata.uid:
                return there
            message = f"Error creating job: job {there.metadata.name} exists and is of another owner"
            self._recorder.event(cron_job, "Warning", "FailedCreate", message)
            raise
        except ApiError as error:
            self._recorder.event(cron_job, "Warning", "FailedCreate", f"Error creating job: {error}")
            raise
        log.info("%s started %s", key(cron_job), key(made))
        self._recorder.event(cron_job, "Normal", "SuccessfulCreate", f"Created job {made.metadata.name}")
        return made

    async def _delete(self, cron_job: cronjob_pb2.CronJob, job: job_pb2.Job) -> None:
        metadata, background = job.metadata, apiserver_pb2.PROPAGATION_POLICY_BACKGROUND
        try:
            await self._client.delete(
                job_pb2.Job, metadata.name, metadata.namespace, uid=metadata.uid, propagation=background
            )
        except NotFound:
            return
        except ApiError as error:
            self._recorder.event(cron_job, "Warning", "FailedDelete", f"Deleted job: {error}")
            raise
        log.info("%s deleted %s", key(cron_job), key(job))
        self._recorder.event(cron_job, "Normal", "SuccessfulDelete", f"Deleted job {metadata.name}")

    async def _find(self, name: str, namespace: str) -> job_pb2.Job | None:
        try:
            return await self._client.get(job_pb2.Job, name, namespace)
        except NotFound:
            return None

    def _job_changed(self, change: Change[job_pb2.Job]) -> None:
        for job in (change.old, change.new):
            owner = controller_of(job.metadata) if job is not None else None
            if owner is not None and is_owner(owner, cronjob_pb2.CronJob):
                self._loop.queue.add(Key(GroupKind("batch", "CronJob"), change.key.namespace, owner.name))


def zone_of(cron_job: cronjob_pb2.CronJob) -> tzinfo:
    """That of its schedule, or of this host. Raises ZoneInfoNotFoundError for one that this host does not know."""
    if cron_job.spec.HasField("timeZone"):
        return ZoneInfo(cron_job.spec.timeZone)
    if not _HOST_ZONE.exists():
        return UTC
    with _HOST_ZONE.open("rb") as rules:
        return ZoneInfo.from_file(rules)
