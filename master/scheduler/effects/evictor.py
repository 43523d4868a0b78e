"""Evicts the victims of a preemption: the reason goes into their status, and they are deleted with grace period."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cycle import pod_conditions
from podlab.api.objects import Key, key
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.workqueue import WorkQueue, run_batches
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError, Conflict, NotFound
from podlab.v1.apiserver_pb2 import Victim

log = logging.getLogger(__name__)

BATCH, AT_ONCE = 128, 2
# How long the informer may take to see another writer's change.
CONFLICT_DELAY_S = 0.1


@dataclass(frozen=True)
class _Eviction:
    victim: PodInfo
    preemptor: PodInfo
    node_name: str


class Evictor:
    """`evict` never waits; `run` tries until `pod` shows that the victim is terminating or gone."""

    def __init__(self, client: Client, recorder: EventRecorder, pod: Callable[[Key], Pod | None]) -> None:
        self._client = client
        self._pod = pod
        self._recorder = recorder
        self._evictions: dict[Key, _Eviction] = {}
        self._queue: WorkQueue[Key] = WorkQueue()

    def evict(self, victim: PodInfo, preemptor: PodInfo, node_name: str) -> None:
        """Evicts the victim for the preemptor. A victim that is terminating already is left alone."""
        at = key(victim.pod)
        self._evictions[at] = _Eviction(victim, preemptor, node_name)
        self._queue.add(at)

    async def run(self) -> None:
        """Evicts until cancelled."""
        await run_batches(self._queue, self._evict, limit=BATCH, at_once=AT_ONCE, name="preemption")

    async def _evict(self, keys: Sequence[Key]) -> Mapping[Key, ApiError]:
        """The victims that could not be evicted, and why."""
        wanted = {at: found for at in keys if (found := self._evictions.get(at)) is not None}
        for at in [at for at, found in wanted.items() if not self._is_there(at, found.victim)]:
            self._forget(at, wanted.pop(at))
        outcomes = await self._client.preempt([_victim(at, found) for at, found in wanted.items()]) if wanted else ()
        failed: dict[Key, ApiError] = {}
        for (at, found), error in zip(wanted.items(), outcomes, strict=True):
            if isinstance(error, Conflict):  # another pod has the name now, as the informer is about to show
                self._queue.add_after(at, CONFLICT_DELAY_S)
            elif error is not None and not isinstance(error, NotFound):
                failed[at] = error
            else:
                if error is None:
                    self._record(found)
                self._forget(at, found)
        return failed

    def _is_there(self, at: Key, victim: PodInfo) -> bool:
        pod = self._pod(at)
        return pod is not None and pod.metadata.uid == victim.uid and not pod.metadata.HasField("deletionTimestamp")

    def _record(self, eviction: _Eviction) -> None:
        message = f"Preempted by pod {eviction.preemptor.uid} on node {eviction.node_name}"
        self._recorder.event(eviction.victim.pod, "Normal", "Preempted", message)
        log.info("%s preempted on %s", key(eviction.victim.pod), eviction.node_name)

    def _forget(self, at: Key, eviction: _Eviction) -> None:
        """Unless another pod of the name is to be evicted by now."""
        if self._evictions.get(at) is eviction:
            del self._evictions[at]


def _victim(at: Key, eviction: _Eviction) -> Victim:
    message = pod_conditions.preemption_message(eviction.preemptor.pod.spec.schedulerName)
    return Victim(namespace=at.namespace, name=at.name, uid=eviction.victim.uid, message=message)
