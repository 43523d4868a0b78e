"""Writes one pod's status when it differs from what was written, always the newest, one write at a time."""

from __future__ import annotations

import asyncio
import logging

from node.kubelet.pod.pod_outcome import Outcome
from node.kubelet.pod.pod_status import OWN_CONDITIONS
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError, Conflict, NotFound

log = logging.getLogger(__name__)

BACKOFF_BASE_S = 0.2
BACKOFF_LIMIT_S = 5.0


class Report:
    """`report` never waits; `flush` does. `close` ends it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._told: pod_pb2.PodStatus | None = None
        self._stored: pod_pb2.Pod | None = None  # as our last write left it
        self._wanted: pod_pb2.Pod | None = None
        self._task: asyncio.Task[None] | None = None

    def base(self, pod: pod_pb2.Pod, outcome: Outcome | None = None) -> pod_pb2.Pod:
        """The pod with the status that was told last, which the API's copy may lag behind.

        With an outcome it has ended so, whatever was told.
        """
        if self._told is None and outcome is None:
            return pod
        based = pod_pb2.Pod()
        based.CopyFrom(pod)
        based.status.CopyFrom(self._told or pod.status)
        if outcome is not None:
            based.status.phase, based.status.reason, based.status.message = (
                outcome.phase,
                outcome.reason,
                outcome.message,
            )
        if self._told is None:
            return based
        _keep_conditions(based.status, pod.status)
        return based

    def report(self, pod: pod_pb2.Pod, status: pod_pb2.PodStatus) -> None:
        """`pod` is the API's copy as it is known now."""
        if self._told is None and pod.status == status:
            self._told, self._stored = status, pod
        if status == self._told and not self._overwritten(pod):
            return
        self._told = status
        wanted = pod_pb2.Pod(status=status)
        wanted.metadata.name, wanted.metadata.namespace = pod.metadata.name, pod.metadata.namespace
        wanted.metadata.uid = pod.metadata.uid
        _rest_on(wanted, pod if self._stored is None or _revision(self._stored) < _revision(pod) else self._stored)
        self._wanted = wanted
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write())

    async def flush(self, timeout_s: float) -> bool:
        """Waits until all that was reported is written; False when it took too long."""
        if self._task is None or self._task.done():
            return True
        done, _ = await asyncio.wait([self._task], timeout=timeout_s)
        return bool(done)

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _overwritten(self, pod: pod_pb2.Pod) -> bool:
        if self._wanted is not None or self._stored is None or pod.status == self._stored.status:
            return False
        # The API's copy lags behind our own last write; only what is newer is somebody else's.
        return _revision(pod) > _revision(self._stored)

    async def _write(self) -> None:
        failures = 0
        while self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            try:
                self._stored = await self._send(wanted)
                failures = 0
            except NotFound:
                return  # the pod is gone; its worker hears of it
            except ApiError as error:
                self._wanted = self._wanted or wanted
                failures += 1
                delay_s = min(BACKOFF_LIMIT_S, BACKOFF_BASE_S * 2 ** min(failures, 16))
                name = f"{wanted.metadata.namespace}/{wanted.metadata.name}"
                log.warning("status of pod %s cannot be written: %s; again in %.1f s", name, error, delay_s)
                await asyncio.sleep(delay_s)

    async def _send(self, wanted: pod_pb2.Pod) -> pod_pb2.Pod:
        """Writes it onto the pod as it is now: what others wrote meanwhile, perhaps a condition of theirs, stays."""
        try:
            return await self._client.update_status(wanted)
        except Conflict:
            now = await self._client.get(pod_pb2.Pod, wanted.metadata.name, wanted.metadata.namespace)
            if now.metadata.uid != wanted.metadata.uid:
                raise NotFound.of("pods", wanted.metadata.name) from None
            _rest_on(wanted, now)
            return await self._client.update_status(wanted)


def _rest_on(wanted: pod_pb2.Pod, now: pod_pb2.Pod) -> None:
    wanted.metadata.resourceVersion = now.metadata.resourceVersion
    wanted.spec.CopyFrom(now.spec)
    _keep_conditions(wanted.status, now.status)


def _keep_conditions(status: pod_pb2.PodStatus, now: pod_pb2.PodStatus) -> None:
    """Of the conditions the kubelet's own stay; all others become those that the pod has now."""
    own = [each for each in status.conditions if each.type in OWN_CONDITIONS]
    others = [each for each in now.conditions if each.type not in OWN_CONDITIONS]
    del status.conditions[:]
    status.conditions.extend([*own, *others])


def _revision(pod: pod_pb2.Pod) -> int:
    return int(pod.metadata.resourceVersion)
