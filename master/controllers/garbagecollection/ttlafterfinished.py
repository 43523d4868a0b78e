"""Deletes Jobs some time after they finished, as they ask for.

https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/
"""

from __future__ import annotations

import logging
import time
from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from podlab.api.objects import Key, condition
from podlab.batch.v1 import job_pb2
from podlab.client.client import Client
from podlab.client.informer import Change
from podlab.v1 import apiserver_pb2

log = logging.getLogger(__name__)


def expires_at(job: job_pb2.Job) -> int | None:
    """When (Unix time, seconds) it is to go; None while it runs, goes already, or is to be kept."""
    if not job.spec.HasField("ttlSecondsAfterFinished") or job.metadata.HasField("deletionTimestamp"):
        return None
    for end in ("Complete", "Failed"):
        finished = condition(job.status.conditions, end)
        if finished is not None and finished.status == "True":
            return int(finished.lastTransitionTime.seconds + job.spec.ttlSecondsAfterFinished)
    return None


class TtlAfterFinishedController:
    """Keys are Jobs'."""

    name: Final = "ttl-after-finished"

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._informers = informers
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        informers.jobs.on_change(self._job_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        known = self._informers.jobs.store.get(at)
        if known is None or not self._is_due(at, known):
            return
        # Its time may have been made longer since: what is deleted is what was looked at.
        job = await self._client.get(job_pb2.Job, at.name, at.namespace)
        if not self._is_due(at, job):
            return
        metadata, foreground = job.metadata, apiserver_pb2.PROPAGATION_POLICY_FOREGROUND
        await self._client.delete(
            *(job_pb2.Job, at.name, at.namespace),
            uid=metadata.uid,
            resource_version=metadata.resourceVersion,
            propagation=foreground,
        )
        log.info("%s finished %d s ago and is deleted", at, job.spec.ttlSecondsAfterFinished)

    def _is_due(self, at: Key, job: job_pb2.Job) -> bool:
        expiry = expires_at(job)
        if expiry is None:
            return False
        wait_s = expiry - time.time()
        if wait_s > 0:
            self._loop.queue.add_after(at, wait_s)
        return wait_s <= 0

    def _job_changed(self, change: Change[job_pb2.Job]) -> None:
        if change.new is not None and expires_at(change.new) is not None:
            self._loop.queue.add(change.key)
