"""Makes the victims of a preemption go: each is told why in its status, then deleted with its grace period."""

from __future__ import annotations

import logging
from collections.abc import Callable

from master.scheduler import conditions
from master.scheduler.podinfo import PodInfo
from podlab.api import times
from podlab.api.objects import Key, key
from podlab.client.client import Client
from podlab.client.recorder import Recorder
from podlab.client.workqueue import WorkQueue, run_workers
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import Conflict, NotFound

log = logging.getLogger(__name__)

AT_ONCE = 16
# How long the informer may take to see a change that another has made.
CONFLICT_DELAY_S = 0.1


class Evictor:
    """`evict` never waits; `run` does it, and tries again until the victim goes or is gone, as `pod` tells."""

    def __init__(self, client: Client, recorder: Recorder, pod: Callable[[Key], Pod | None]) -> None:
        self._client = client
        self._pod = pod
        self._recorder = recorder
        self._victims: dict[Key, tuple[str, PodInfo]] = {}
        self._queue: WorkQueue[Key] = WorkQueue()

    def evict(self, victim: PodInfo, preemptor: PodInfo, node_name: str) -> None:
        """The victim makes room on the node for the preemptor. One that is going already is left to go."""
        if victim.pod.metadata.HasField("deletionTimestamp"):
            return
        told = f"Preempted by pod {preemptor.uid} on node {node_name}"
        self._recorder.event(victim.pod, "Normal", "Preempted", told)
        self._victims[key(victim.pod)] = preemptor.pod.spec.schedulerName, victim
        self._queue.add(key(victim.pod))

    async def run(self) -> None:
        """Evicts until cancelled."""
        await run_workers(self._queue, self._evict, workers=AT_ONCE, name="preemption")

    async def _evict(self, at: Key) -> None:
        found = self._victims.get(at)
        if found is None:
            return
        scheduler_name, victim = found
        pod = self._pod(at)
        try:
            if pod is not None and pod.metadata.uid == victim.uid and not pod.metadata.HasField("deletionTimestamp"):
                await self._client.update_status(conditions.preempted(pod, scheduler_name, times.now()))
                await self._client.delete(Pod, at.name, at.namespace, uid=victim.uid)
                log.info("%s/%s preempted on %s", at.namespace, at.name, pod.spec.nodeName)
        except NotFound:
            log.debug("%s was gone before it was preempted", at)
        except Conflict:  # its status was written meanwhile, which the informer is about to tell
            self._queue.add_after(at, CONFLICT_DELAY_S)
            return
        if self._victims.get(at) is found:
            del self._victims[at]
