"""Writes into pods' status why they have no node, always the newest failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from master.scheduler.cycle import pod_conditions
from master.scheduler.cycle.pod_conditions import SchedulingFailure
from podlab.api.objects import Key
from podlab.api.values import times
from podlab.client.client import Client
from podlab.client.workqueue import WorkQueue, run_batches
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError, Conflict, NotFound

BATCH, AT_ONCE = 128, 2
# How long the informer may take to see another writer's change.
CONFLICT_DELAY_S = 0.1


class StatusWriter:
    """`write` never waits; `run` writes what differs from the pod's status, which `pod` gives."""

    def __init__(self, client: Client, pod: Callable[[Key], Pod | None]) -> None:
        self._client = client
        self._pod = pod
        self._failures: dict[Key, tuple[str, SchedulingFailure]] = {}
        self._queue: WorkQueue[Key] = WorkQueue()

    def write(self, key: Key, uid: str, failure: SchedulingFailure) -> None:
        """Replaces an earlier failure of the pod that is not written yet."""
        self._failures[key] = uid, failure
        self._queue.add(key)

    async def run(self) -> None:
        """Writes until cancelled."""
        await run_batches(self._queue, self._write, limit=BATCH, at_once=AT_ONCE, name="condition PodScheduled")

    async def _write(self, keys: Sequence[Key]) -> Mapping[Key, ApiError]:
        """The keys that could not be written, and why."""
        newest = {key: found for key in keys if (found := self._failures.get(key)) is not None}
        changed = {key: pod for key, found in newest.items() if (pod := self._changed(key, *found)) is not None}
        outcomes = await self._client.update_statuses([*changed.values()]) if changed else ()
        errors: dict[Key, ApiError] = {}
        for key, error in zip(changed, outcomes, strict=True):
            if isinstance(error, Conflict):
                self._queue.add_after(key, CONFLICT_DELAY_S)
                del newest[key]
            elif error is not None and not isinstance(error, NotFound):  # the pod may be deleted meanwhile
                errors[key] = error
                del newest[key]
        for key, found in newest.items():
            if self._failures.get(key) == found:
                del self._failures[key]
        return errors

    def _changed(self, key: Key, uid: str, failure: SchedulingFailure) -> Pod | None:
        """The pod to write; None when its status says so already, or it is another pod now."""
        pod = self._pod(key)
        if pod is None or pod.metadata.uid != uid:
            return None
        return pod_conditions.with_failure(pod, failure, times.now())
