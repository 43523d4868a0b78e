"""Takes the finalizer by which Jobs count their pods off pods that no Job counts any more, so that they can go."""

from __future__ import annotations

import logging
from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from master.controllers.workloads.job.pods import TRACKING, is_tracked
from podlab.api.objects import Key, controller_of, is_owner, key
from podlab.batch.v1 import job_pb2
from podlab.client.client import Client
from podlab.client.informer import Change
from podlab.core.v1 import pod_pb2
from podlab.errors import NotFound

log = logging.getLogger(__name__)


async def remove_tracking_finalizer(client: Client, pod: pod_pb2.Pod) -> None:
    """Takes the finalizer off the pod, if there still is such a pod."""
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": [TRACKING]}}
    try:
        await client.patch(pod_pb2.Pod, pod.metadata.name, pod.metadata.namespace, patch=patch)
    except NotFound:
        log.debug("%s is gone already", key(pod))


class JobTrackingController:
    """Keys are pods'."""

    name: Final = "job-tracking"

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._informers = informers
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        informers.pods.on_change(self._pod_changed)
        informers.jobs.on_change(self._job_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        pod = self._informers.pods.store.get(at)
        if pod is None or not is_tracked(pod) or await self._is_counted(pod):
            return
        await remove_tracking_finalizer(self._client, pod)
        log.info("%s is of no Job any more: its finalizer %s is taken off", at, TRACKING)

    async def _is_counted(self, pod: pod_pb2.Pod) -> bool:
        """Whether there is the Job that it belongs to; an absence is confirmed by the API server."""
        owner = controller_of(pod.metadata)
        if owner is None or not is_owner(owner, job_pb2.Job):
            return False
        job = self._informers.jobs.get(owner.name, pod.metadata.namespace)
        if job is None:
            try:
                job = await self._client.get(job_pb2.Job, owner.name, pod.metadata.namespace)
            except NotFound:
                return False
        return job.metadata.uid == owner.uid

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        if change.new is None or not is_tracked(change.new):
            return
        owner = controller_of(change.new.metadata)
        if owner is None or self._informers.jobs.get(owner.name, change.key.namespace) is None:
            self._loop.queue.add(change.key)

    def _job_changed(self, change: Change[job_pb2.Job]) -> None:
        if change.old is not None and (change.new is None or change.new.metadata.uid != change.old.metadata.uid):
            for pod in self._informers.pods_by_controller.get(change.old.metadata.uid):
                self._loop.queue.add(key(pod))
