"""The scheduler: its parts, put together, and its loop.

Informers fill snapshot and queue (`intake`); pods are judged one after another (`judging`), bound together (`binding`),
and told why they wait (`telling`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from master.scheduler.binding import Assumed, Binder
from master.scheduler.conditions import Verdict
from master.scheduler.decisions import Decisions
from master.scheduler.defaults import DEFAULT_PROFILE
from master.scheduler.hints import Event, What
from master.scheduler.intake import Intake
from master.scheduler.judging import Judge
from master.scheduler.nominations import Nominations
from master.scheduler.profile import DEFAULT_NAME, Profile
from master.scheduler.queue import SchedulingQueue
from master.scheduler.snapshot import Snapshot
from master.scheduler.surroundings import Surroundings
from master.scheduler.telling import Teller
from podlab.api.objects import Key, key
from podlab.client.client import Client
from podlab.client.informer import Informer
from podlab.client.recorder import Recorder
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError

# So many are judged before informers and answers get their turn again.
BATCH = 64


class Scheduler:
    """`run` for ever; `decisions` explains."""

    def __init__(self, client: Client, profiles: Sequence[Profile] = (DEFAULT_PROFILE,)) -> None:
        by_name = {profile.scheduler_name: profile for profile in profiles}
        self.decisions = Decisions()
        self.synced = asyncio.Event()
        self._nodes = Informer(client, Node)
        self._pods = Informer(client, Pod)
        self._snapshot = Snapshot()
        self._queue = SchedulingQueue()
        self._nominations = Nominations(self._snapshot)
        self._intake = Intake(by_name, self._snapshot, self._queue, self._nominations)
        self._surroundings = Surroundings(client, self._snapshot, self._queue.happened)
        self._recorder = Recorder(client, DEFAULT_NAME)
        self._teller = Teller(client, self._pods.store.get)
        self._binder = Binder(client, self._answered)
        self._judge = Judge(
            by_name,
            self._snapshot,
            self._queue,
            self._nominations,
            self.decisions,
            waiting=self._waiting,
            tell=self._tell,
        )
        self._nodes.on_change(self._intake.node_changed)
        self._pods.on_change(self._intake.pod_changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            parts = (self._recorder, self._nodes, self._pods, self._surroundings, self._teller, self._binder)
            for part in parts:
                group.create_task(part.run())
            # Judged before all pods are known, a node would look emptier than it is.
            await self._nodes.synced.wait()
            await self._pods.synced.wait()
            await self._surroundings.synced()
            self.synced.set()
            while True:
                await self._binder.drained()
                await self._queue.filled()
                self._binder.put(self._judge.judge(self._queue.take(BATCH)))
                await asyncio.sleep(0)

    def _waiting(self, at: Key) -> Pod | None:
        pod = self._pods.store.get(at)
        return pod if pod is not None and self._intake.waits(pod) else None

    def _tell(self, pod: Pod, verdict: Verdict) -> None:
        self._recorder.event(pod, "Warning", "FailedScheduling", verdict.message)
        self._teller.tell(key(pod), pod.metadata.uid, verdict)

    def _answered(self, assumed: Assumed, failure: ApiError | None) -> None:
        pod, at = assumed.info.pod, key(assumed.info.pod)
        if failure is None:
            message = f"Successfully assigned {at.namespace}/{at.name} to {assumed.node_name}"
            self._recorder.event(pod, "Normal", "Scheduled", message)
            return
        # The answer may have been lost and the binding stored: then the informer's word stands.
        known = self._pods.store.get(at)
        is_bound = known is not None and known.metadata.uid == pod.metadata.uid and bool(known.spec.nodeName)
        if not is_bound and self._snapshot.remove_pod(pod.metadata.uid):
            self._queue.happened(Event(What.POD_GONE, pod=assumed.info))
        self._queue.unlucky(at)
