"""Tells in pods' status why they have no node, each always the newest verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from master.scheduler.cycle import pod_conditions
from master.scheduler.cycle.pod_conditions import Verdict
from podlab.api import times
from podlab.api.objects import Key
from podlab.client.client import Client
from podlab.client.workqueue import WorkQueue, run_batches
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError, Conflict, NotFound

BATCH, AT_ONCE = 128, 2
# How long the informer may take to see a change that another has made.
CONFLICT_DELAY_S = 0.1


class Teller:
    """`tell` never waits; `run` writes what differs from what the pod's status, read by `pod`, says already."""

    def __init__(self, client: Client, pod: Callable[[Key], Pod | None]) -> None:
        self._client = client
        self._pod = pod
        self._verdicts: dict[Key, tuple[str, Verdict]] = {}
        self._queue: WorkQueue[Key] = WorkQueue()

    def tell(self, key: Key, uid: str, verdict: Verdict) -> None:
        """Of several verdicts about a pod that wait to be written, only the last one is."""
        self._verdicts[key] = uid, verdict
        self._queue.add(key)

    async def run(self) -> None:
        """Writes until cancelled."""
        await run_batches(self._queue, self._write, limit=BATCH, at_once=AT_ONCE, name="condition PodScheduled")

    async def _write(self, keys: Sequence[Key]) -> Mapping[Key, ApiError]:
        """Those that failed, and why."""
        newest = {key: found for key in keys if (found := self._verdicts.get(key)) is not None}
        changed = {key: pod for key, found in newest.items() if (pod := self._changed(key, *found)) is not None}
        outcomes = await self._client.update_statuses([*changed.values()]) if changed else ()
        failed: dict[Key, ApiError] = {}
        for key, error in zip(changed, outcomes, strict=True):
            if isinstance(error, Conflict):
                self._queue.add_after(key, CONFLICT_DELAY_S)
                del newest[key]
            elif error is not None and not isinstance(error, NotFound):  # it may go while it is judged
                failed[key] = error
                del newest[key]
        for key, found in newest.items():
            if self._verdicts.get(key) == found:
                del self._verdicts[key]
        return failed

    def _changed(self, key: Key, uid: str, verdict: Verdict) -> Pod | None:
        """The pod as it is to be; None when nothing is to be said."""
        pod = self._pod(key)
        return pod_conditions.told(pod, verdict, times.now()) if pod is not None and pod.metadata.uid == uid else None
