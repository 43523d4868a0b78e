"""The scheduler: its parts, put together, and its loop.

Informers fill snapshot and queue (`intake`); pods are judged one after another (`judging`), get their volumes
(`volumebinder`), are bound together (`binding`), and told why they wait (`telling`); who has to make room is evicted
(`evicting`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from master.scheduler.active_pods import wait_for_active_pods
from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.cluster_state import Surroundings
from master.scheduler.config.defaults import DEFAULT_PROFILE
from master.scheduler.config.profile import DEFAULT_NAME, Profile
from master.scheduler.cycle.assumed_pod import AssumedPod
from master.scheduler.cycle.decision_log import Decisions
from master.scheduler.cycle.explanation import Made
from master.scheduler.cycle.pod_conditions import SCHEDULER_ERROR, Verdict
from master.scheduler.cycle.scheduling_algorithm import Decider
from master.scheduler.cycle.scheduling_cycle import Judge
from master.scheduler.effects.binder import Binder
from master.scheduler.effects.evictor import Evictor
from master.scheduler.effects.status_writer import Teller
from master.scheduler.effects.volume_binder import VolumeBinder
from master.scheduler.event_handlers import Intake
from master.scheduler.preemption.disruption_budgets import Budgets
from master.scheduler.preemption.nominated_pods import Nominations
from master.scheduler.queue.backoff import KUBERNETES_BACKOFF, Backoff
from master.scheduler.queue.cluster_events import Event, What
from master.scheduler.queue.scheduling_queue import SchedulingQueue
from podlab.api import times
from podlab.api.objects import Key, key
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change, Informer
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError, NotFound, ServiceUnavailable
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget

# So many are judged before informers and answers get their turn again.
BATCH = 64


class Scheduler:
    """`run` for ever; `explain` and `foresee` answer at once."""

    def __init__(
        self,
        client: Client,
        profiles: Sequence[Profile] = (DEFAULT_PROFILE,),
        backoff: Backoff = KUBERNETES_BACKOFF,
    ) -> None:
        by_name = {profile.scheduler_name: profile for profile in profiles}
        self.synced = asyncio.Event()
        self._nodes = Informer(client, Node)
        self._pods = Informer(client, Pod)
        self._budgets = Informer(client, PodDisruptionBudget)
        self._counted: Budgets | None = None
        self._snapshot = Snapshot()
        self._queue_changed = asyncio.Event()
        self._queue = SchedulingQueue(time.monotonic, backoff, changed=self._queue_changed.set)
        self._nominations = Nominations(self._snapshot)
        self._intake = Intake(by_name, self._snapshot, self._queue, self._nominations)
        self._surroundings = Surroundings(client, self._snapshot, self._around_happened)
        self._recorder = EventRecorder(client, DEFAULT_NAME)
        self._teller = Teller(client, self._pods.store.get)
        self._binder = Binder(client, self._answered)
        self._volumes = VolumeBinder(
            client,
            self._snapshot.storage,
            timeouts_s={name: profile.bind_timeout_s for name, profile in by_name.items()},
            waits=self._waiting,
            ready=self._binder.put,
            failed=self._volumes_failed,
        )
        self._evictor = Evictor(client, self._recorder, self._pods.store.get)
        self._decider = Decider(
            by_name,
            self._snapshot,
            self._nominations,
            self._current_budgets,
            clock=time.perf_counter,
            now=times.now,
        )
        self._decisions = Decisions()
        self._judge = Judge(
            self._decider,
            self._snapshot,
            self._queue,
            self._nominations,
            self._decisions,
            waiting=self._waiting,
            outside=self,
        )
        self._nodes.on_change(self._intake.node_changed)
        self._pods.on_change(self._intake.pod_changed)
        self._budgets.on_change(self._budget_changed)

    async def run(self) -> None:
        informers = (self._nodes, self._pods, self._budgets)
        async with asyncio.TaskGroup() as group:
            parts = (self._recorder, self._surroundings, self._teller, self._binder, self._evictor, self._volumes)
            for part in (*informers, *parts):
                group.create_task(part.run())
            # Judged before all pods are known, a node would look emptier than it is.
            for informer in informers:
                await informer.synced.wait()
            await self._surroundings.synced()
            self.synced.set()
            while True:
                await self._binder.drained()
                await wait_for_active_pods(self._queue, self._queue_changed)
                self._volumes.put(self._judge.judge(self._queue.take(BATCH)))
                await asyncio.sleep(0)

    def explain(self, at: Key, now: bool) -> Made:
        """The last decision about a pod; made anew when it is forgotten, or `now` asks for it.

        Raises NotFound, BadRequest when another scheduler places it, ServiceUnavailable before everything is known.
        """
        pod = self._pods.store.get(at)
        if pod is None:
            self._check_synced()
            raise NotFound.of("pods", at.name)
        made = self._decisions.get(at)
        if not now and made is not None and made.pod.metadata.uid == pod.metadata.uid:
            return made
        return self.foresee(pod)

    def foresee(self, pod: Pod) -> Made:
        """What would be decided now. Raises BadRequest, ServiceUnavailable."""
        self._check_synced()
        return self._decider.foresee(pod)

    def tell(self, pod: Pod, verdict: Verdict) -> None:
        """The pod has no node: its status and an Event say why."""
        self._recorder.event(pod, "Warning", "FailedScheduling", verdict.message)
        self._teller.tell(key(pod), pod.metadata.uid, verdict)

    def evict(self, victim: PodInfo, preemptor: PodInfo, node_name: str) -> None:
        """The victim makes room for the preemptor."""
        self._evictor.evict(victim, preemptor, node_name)

    def _check_synced(self) -> None:
        if not self.synced.is_set():
            raise ServiceUnavailable("the scheduler does not know all nodes and pods yet")

    def _waiting(self, at: Key) -> Pod | None:
        pod = self._pods.store.get(at)
        return pod if pod is not None and self._intake.waits(pod) else None

    def _budget_changed(self, _: Change[PodDisruptionBudget]) -> None:
        self._counted = None

    def _current_budgets(self) -> Budgets:
        if self._counted is None:
            self._counted = Budgets(self._budgets.list())
        return self._counted

    def _around_happened(self, event: Event) -> None:
        self._queue.happened(event)
        if event.what is What.VOLUMES:
            self._volumes.wake()

    def _volumes_failed(self, assumed: AssumedPod, failure: ApiError) -> None:
        message = f'running PreBind plugin "VolumeBinding": {failure.message}'
        self.tell(assumed.info.pod, Verdict(SCHEDULER_ERROR, message))
        self._answered(assumed, failure)

    def _answered(self, assumed: AssumedPod, failure: ApiError | None) -> None:
        pod, at = assumed.info.pod, key(assumed.info.pod)
        self._snapshot.storage.unreserve(pod.metadata.uid)
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
