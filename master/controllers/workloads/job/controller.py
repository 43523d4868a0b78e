"""The Job controller: reads pods, asks `decide`, writes how it stands, and makes, stops and lets go of pods."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.lastwrites import LastWrites
from master.controllers.framework.loop import Loop
from master.controllers.framework.podcontrol import PodControl
from master.controllers.workloads.job.decide import JobPlan, decide
from master.controllers.workloads.job.pods import TRACKING
from master.controllers.workloads.job.tracking import remove_tracking_finalizer
from podlab.api.objects import Key, key
from podlab.batch.v1 import job_pb2
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder

log = logging.getLogger(__name__)

MANAGER = "kubernetes.io/job-controller"


class JobController:
    """Keys are Jobs'."""

    name: Final = "job"

    def __init__(self, client: Client, informers: Informers, recorder: EventRecorder) -> None:
        self._client = client
        self._informers = informers
        self._recorder = recorder
        self._last_writes = LastWrites(informers.jobs)
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        self._pods = PodControl(job_pb2.Job, client, informers, recorder, self._loop.queue, finalizers=(TRACKING,))

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        job = self._informers.jobs.store.get(at)
        if (
            job is None
            or not is_ours(job)
            or not self._last_writes.is_current(job)
            or not await self._pods.settled(job)
        ):
            return
        plan = decide(job, await self._pods.pods_of(job), time.time())
        await self._write_status(job, plan)
        await self._carry_out(job, plan)

    async def _write_status(self, job: job_pb2.Job, plan: JobPlan) -> None:
        if plan.status == job.status:
            return
        changed = job_pb2.Job()
        changed.CopyFrom(job)
        changed.status.CopyFrom(plan.status)
        self._last_writes.note(await self._client.update_status(changed))
        for event in plan.events:
            log.info("%s: %s: %s", key(job), event.reason, event.message)
            self._recorder.event(job, *event)

    async def _carry_out(self, job: job_pb2.Job, plan: JobPlan) -> None:
        changes = plan.changes
        if changes.wait_s is not None:
            self._loop.queue.add_after(key(job), changes.wait_s)
        await asyncio.gather(
            *(remove_tracking_finalizer(self._client, pod) for pod in (*plan.release, *changes.discard))
        )
        await self._pods.delete(job, [*changes.discard, *changes.delete])
        await self._pods.create(job, changes.create)


def is_ours(job: job_pb2.Job) -> bool:
    """False when another controller was named for it."""
    return not job.spec.HasField("managedBy") or job.spec.managedBy == MANAGER
