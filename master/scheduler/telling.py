"""Tells in pods' status why they have no node, each always the newest verdict."""

from __future__ import annotations

import logging
from collections.abc import Callable

from master.scheduler import conditions
from master.scheduler.conditions import Verdict
from podlab.api import times
from podlab.api.objects import Key
from podlab.client.client import Client
from podlab.client.workqueue import WorkQueue, run_workers
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import Conflict, NotFound

log = logging.getLogger(__name__)

WRITERS = 16
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
        await run_workers(self._queue, self._write, workers=WRITERS, name="condition PodScheduled")

    async def _write(self, key: Key) -> None:
        pod, newest = self._pod(key), self._verdicts.get(key)
        if newest is None:
            return
        uid, verdict = newest
        changed = conditions.told(pod, verdict, times.now()) if pod is not None and pod.metadata.uid == uid else None
        if changed is not None:
            try:
                await self._client.update_status(changed)
            except NotFound:
                log.debug("%s went while it was judged", key)
            except Conflict:
                self._queue.add_after(key, CONFLICT_DELAY_S)
                return
        if self._verdicts.get(key) == newest:
            del self._verdicts[key]
