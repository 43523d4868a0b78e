"""Writes one pod's status when it changes: one write at a time, and always the newest status."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from node.kubelet.pod.pod_conditions import conditions_of_others, disruption, own_conditions
from node.kubelet.pod.pod_outcome import PodOutcome
from node.kubelet.pod.pod_status import keep_claims
from node.kubelet.worker.start_record import StartRecord
from podlab.api.objects import condition
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError, Conflict, NotFound

log = logging.getLogger(__name__)

BACKOFF_BASE_S = 0.2
BACKOFF_LIMIT_S = 5.0


class PodStatusWriter:
    """`write` never waits; `flush` does. `close` ends it.

    `uid_in_api` gives the uid under which the API has the pod, which is empty while it has none. `record` is told when
    a status was written.
    """

    def __init__(self, client: Client, uid_in_api: Callable[[str], str], record: StartRecord) -> None:
        self._client = client
        self._record = record
        self._uid_in_api = uid_in_api
        self._told = ""  # the uid in the API of what was last written
        self._status: pod_pb2.PodStatus | None = None
        self._written: pod_pb2.Pod | None = None  # as the last write left it
        self._pending: pod_pb2.Pod | None = None
        self._task: asyncio.Task[None] | None = None

    def with_own_status(self, pod: pod_pb2.Pod, outcome: PodOutcome | None = None) -> pod_pb2.Pod:
        """The pod with the last status that was given to `write`: the API's copy may lag behind it.

        An outcome overrides phase, reason and message.
        """
        if self._status is None and outcome is None:
            return pod
        copy = pod_pb2.Pod()
        copy.CopyFrom(pod)
        status = copy.status
        if self._status is not None:
            status.CopyFrom(self._status)
            _take_of_others(status, pod.status)
        if outcome is not None:
            status.phase, status.reason, status.message = outcome.phase, outcome.reason, outcome.message
            if outcome.disrupts and condition(status.conditions, "DisruptionTarget") is None:
                status.conditions.append(disruption(outcome.message, time.time()))
        return copy

    def write(self, pod: pod_pb2.Pod, status: pod_pb2.PodStatus) -> None:
        """`pod` is the API's copy of now."""
        uid = self._uid_in_api(pod.metadata.uid)
        if self._status is None and pod.status == status:
            self._status, self._written, self._told = status, pod, uid
        if status == self._status and uid == self._told and not self._overwritten(pod):
            return
        self._status, self._told = status, uid
        if not uid:
            return
        update = pod_pb2.Pod(status=status)
        update.metadata.name, update.metadata.namespace = pod.metadata.name, pod.metadata.namespace
        update.metadata.uid = uid
        _rebase(update, pod if self._written is None or _revision(self._written) < _revision(pod) else self._written)
        self._pending = update
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_pending())

    async def flush(self, timeout_s: float) -> bool:
        """Waits until the last status is written; False when it took too long."""
        if self._task is None or self._task.done():
            return True
        done, _ = await asyncio.wait([self._task], timeout=timeout_s)
        return bool(done)

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _overwritten(self, pod: pod_pb2.Pod) -> bool:
        if self._pending is not None or self._written is None or pod.status == self._written.status:
            return False
        # The API's copy may lag behind our last write. Only a newer one is another writer's.
        return _revision(pod) > _revision(self._written)

    async def _write_pending(self) -> None:
        failures = 0
        while self._pending is not None:
            update, self._pending = self._pending, None
            began_s = self._record.now()
            try:
                self._written = await self._send(update)
                self._record.written(update.status, began_s)
                failures = 0
            except NotFound:
                return  # the pod is gone, which its worker learns too
            except ApiError as error:
                self._pending = self._pending or update
                failures += 1
                delay_s = min(BACKOFF_LIMIT_S, BACKOFF_BASE_S * 2 ** min(failures, 16))
                name = f"{update.metadata.namespace}/{update.metadata.name}"
                log.warning("status of pod %s cannot be written: %s; again in %.1f s", name, error, delay_s)
                await asyncio.sleep(delay_s)

    async def _send(self, update: pod_pb2.Pod) -> pod_pb2.Pod:
        """Writes the status onto the pod of now, and keeps what others wrote meanwhile."""
        try:
            return await self._client.update_status(update)
        except Conflict:
            now = await self._client.get(pod_pb2.Pod, update.metadata.name, update.metadata.namespace)
            if now.metadata.uid != update.metadata.uid:
                raise NotFound.of("pods", update.metadata.name) from None
            _rebase(update, now)
            return await self._client.update_status(update)


def _rebase(update: pod_pb2.Pod, now: pod_pb2.Pod) -> None:
    update.metadata.resourceVersion = now.metadata.resourceVersion
    update.spec.CopyFrom(now.spec)
    _take_of_others(update.status, now.status)


def _take_of_others(status: pod_pb2.PodStatus, now: pod_pb2.PodStatus) -> None:
    own = own_conditions(status)
    names = {each.type for each in own}
    del status.conditions[:]
    status.conditions.extend([*own, *(each for each in conditions_of_others(now) if each.type not in names)])
    keep_claims(status, now)


def _revision(pod: pod_pb2.Pod) -> int:
    return int(pod.metadata.resourceVersion)
