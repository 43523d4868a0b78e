"""The scheduler: its parts, put together, and its loop.

Informers fill snapshot and queue (`event_handlers`, `cluster_state`). Pods are scheduled one after another (`cycle`).
Then their claims of volumes and devices are bound (`effects.volume_binder`, `effects.claim_binder`), and the pods
themselves (`effects.binder`). Failures are written
into their status (`effects.status_writer`), and victims of a preemption are evicted (`effects.evictor`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial

from master.scheduler.active_pods import wait_for_active_pods
from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.cluster_state import ClusterState
from master.scheduler.config.defaults import DEFAULT_PROFILE
from master.scheduler.config.profile import DEFAULT_NAME, Profile
from master.scheduler.cycle.assumed_pod import AssumedPod
from master.scheduler.cycle.decision import Decision
from master.scheduler.cycle.decision_log import DecisionLog
from master.scheduler.cycle.pod_conditions import SCHEDULER_ERROR, SchedulingFailure
from master.scheduler.cycle.scheduling_algorithm import SchedulingAlgorithm
from master.scheduler.cycle.scheduling_cycle import SchedulingCycle
from master.scheduler.effects.binder import Binder
from master.scheduler.effects.claim_binder import ClaimBinder
from master.scheduler.effects.claim_releaser import ClaimReleaser
from master.scheduler.effects.evictor import Evictor
from master.scheduler.effects.status_writer import StatusWriter
from master.scheduler.effects.volume_binder import VolumeBinder
from master.scheduler.event_handlers import EventHandlers
from master.scheduler.plugins.dynamic_resources import Deallocation, DynamicResources
from master.scheduler.plugins.volume_binding import VolumeBinding
from master.scheduler.preemption.disruption_budgets import DisruptionBudgets
from master.scheduler.preemption.nominated_pods import NominatedPods
from master.scheduler.queue.backoff import KUBERNETES_BACKOFF, Backoff
from master.scheduler.queue.claim_gate import ClaimGate
from master.scheduler.queue.cluster_events import ClusterEvent, EventKind
from master.scheduler.queue.scheduling_queue import SchedulingQueue
from podlab.api.objects import Key, key
from podlab.api.values import times
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change, Informer
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError, NotFound, ServiceUnavailable
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim
from podlab.spans.spans import Spans

# So many pods are scheduled before informers and answers get their turn again.
BATCH = 64


class Scheduler:
    """`run` for ever; pods are scheduled once `leading` is set. `explain` and `foresee` answer at once. `spans` are
    when each pod was seen, decided about and bound."""

    def __init__(
        self,
        client: Client,
        profiles: Sequence[Profile] = (DEFAULT_PROFILE,),
        backoff: Backoff = KUBERNETES_BACKOFF,
    ) -> None:
        by_name = {profile.scheduler_name: profile for profile in profiles}
        self.synced, self.spans = asyncio.Event(), Spans()
        self._nodes = Informer(client, Node)
        self._pods = Informer(client, Pod)
        self._budget_informer = Informer(client, PodDisruptionBudget)
        self._budgets: DisruptionBudgets | None = None
        self._snapshot = Snapshot(time.monotonic)
        self._queue_changed = asyncio.Event()
        self._queue = SchedulingQueue(time.monotonic, backoff, changed=self._queue_changed.set)
        self._nominated_pods = NominatedPods(self._snapshot)
        with_devices = frozenset(name for name, profile in by_name.items() if profile.devices is not None)
        self._gate = ClaimGate(with_devices, self._snapshot.devices.claims_of)
        self._event_handlers = EventHandlers(by_name, self._snapshot, self._queue, self._nominated_pods, self._gate)
        self._cluster_state = ClusterState(client, self._snapshot, self._handle_event)
        self._recorder = EventRecorder(client, DEFAULT_NAME)
        self._status_writer = StatusWriter(client, self._pods.store.get)
        self._binder = Binder(client, self._answered, self.spans)
        self._claim_binder = self._make_claim_binder(client, by_name)
        self._claim_releaser = ClaimReleaser(client, self._snapshot.devices)
        self._volume_binder = self._make_volume_binder(client, by_name)
        self._evictor = Evictor(client, self._recorder, self._pods.store.get)
        self._algorithm = SchedulingAlgorithm(
            by_name,
            self._snapshot,
            self._nominated_pods,
            self._current_budgets,
            clock=time.perf_counter,
            now=times.now,
        )
        self._decisions = DecisionLog()
        self._cycle = self._make_cycle()
        self._nodes.on_change(self._event_handlers.node_changed)
        self._pods.on_change(self._pod_changed)
        self._budget_informer.on_change(self._budget_changed)

    async def run(self, leading: asyncio.Event) -> None:
        informers = (self._nodes, self._pods, self._budget_informer)
        async with asyncio.TaskGroup() as group:
            parts = (
                self._recorder,
                self._cluster_state,
                self._status_writer,
                self._binder,
                self._evictor,
                self._volume_binder,
                self._claim_binder,
                self._claim_releaser,
            )
            for part in (*informers, *parts):
                group.create_task(part.run())
            # While not all pods are known, a node would look emptier than it is.
            for informer in informers:
                await informer.synced.wait()
            await self._cluster_state.synced()
            self.synced.set()
            await leading.wait()
            while True:
                await self._binder.drained()
                await wait_for_active_pods(self._queue, self._queue_changed)
                self._volume_binder.enqueue(self._cycle.schedule(self._queue.pop(BATCH)))
                await asyncio.sleep(0)

    def explain(self, at: Key, now: bool) -> Decision:
        """The last decision about a pod; a new one when it is forgotten, or with `now`.

        Raises NotFound, BadRequest when another scheduler places it, ServiceUnavailable before everything is known.
        """
        pod = self._pods.store.get(at)
        if pod is None:
            self._check_synced()
            raise NotFound.of("pods", at.name)
        decision = self._decisions.get(at)
        if not now and decision is not None and decision.pod.metadata.uid == pod.metadata.uid:
            return decision
        return self.foresee(pod)

    def foresee(self, pod: Pod) -> Decision:
        """The decision about the pod if it had no node now. Raises BadRequest, ServiceUnavailable."""
        self._check_synced()
        return self._algorithm.foresee(pod)

    def report_failure(self, pod: Pod, failure: SchedulingFailure) -> None:
        """Writes into the pod's status and an Event why it has no node."""
        self._recorder.event(pod, "Warning", "FailedScheduling", failure.message)
        self._status_writer.write(key(pod), pod.metadata.uid, failure)

    def evict(self, victim: PodInfo, preemptor: PodInfo, node_name: str) -> None:
        """Evicts the victim for the preemptor."""
        self._evictor.evict(victim, preemptor, node_name)

    def release(self, deallocation: Deallocation, pod: Pod) -> None:
        """Takes back the devices of the claim."""
        if deallocation.claim is not None and deallocation.is_deletion:
            self._claim_releaser.delete(deallocation.claim, pod)
        elif deallocation.claim is not None:
            self._claim_releaser.deallocate(deallocation.claim, pod)

    def _make_claim_binder(self, client: Client, profiles: Mapping[str, Profile]) -> ClaimBinder:
        return ClaimBinder(
            client,
            self._snapshot.devices,
            timeouts_s={name: profile.device_timeout_s for name, profile in profiles.items()},
            pending=self._pending,
            ready=self._binder.enqueue,
            failed=partial(self._pre_bind_failed, DynamicResources.name),
            waiting=self._report_waiting,
        )

    def _make_volume_binder(self, client: Client, profiles: Mapping[str, Profile]) -> VolumeBinder:
        return VolumeBinder(
            client,
            self._snapshot.storage,
            timeouts_s={name: profile.bind_timeout_s for name, profile in profiles.items()},
            pending=self._pending,
            ready=self._claim_binder.enqueue,
            failed=partial(self._pre_bind_failed, VolumeBinding.name),
        )

    def _make_cycle(self) -> SchedulingCycle:
        return SchedulingCycle(
            self._algorithm,
            self._snapshot,
            self._queue,
            self._nominated_pods,
            self._decisions,
            pending=self._pending,
            failure_handler=self,
            decided=self._decided,
        )

    def _pod_changed(self, change: Change[Pod]) -> None:
        new = change.new
        if change.old is None and new is not None and not new.spec.nodeName and self._pods.synced.is_set():
            self.spans.moment(new.metadata.uid, "seen")
        self._event_handlers.pod_changed(change)

    def _decided(self, info: PodInfo, decision: Decision) -> None:
        node_name, ended_s = decision.result.node_name, self.spans.now()
        name = "scheduled" if node_name else "no node fits"
        self.spans.note(info.uid, name, ended_s - decision.duration_us / 1e6, ended_s, node_name)

    def _check_synced(self) -> None:
        if not self.synced.is_set():
            raise ServiceUnavailable("the scheduler does not know all nodes and pods yet")

    def _pending(self, at: Key) -> Pod | None:
        pod = self._pods.store.get(at)
        return pod if pod is not None and self._event_handlers.is_pending(pod) else None

    def _budget_changed(self, _: Change[PodDisruptionBudget]) -> None:
        self._budgets = None

    def _current_budgets(self) -> DisruptionBudgets:
        if self._budgets is None:
            self._budgets = DisruptionBudgets(self._budget_informer.list())
        return self._budgets

    def _handle_event(self, event: ClusterEvent) -> None:
        self._queue.handle_event(event)
        if event.kind is EventKind.STORAGE:
            self._volume_binder.wake()
        elif event.kind is EventKind.DEVICE_CLAIM:
            self._claim_binder.wake()
            self._release_gate(event.device_claim)

    def _release_gate(self, claim: ResourceClaim | None) -> None:
        """The pods are active that waited for the claim alone."""
        name = (claim.metadata.namespace, claim.metadata.name) if claim is not None else None
        for at in self._gate.waiting_for(name) if name is not None else ():
            if (pod := self._pending(at)) is not None:
                self._event_handlers.enqueue(at, pod)

    def _report_waiting(self, pod: Pod, node_name: str) -> None:
        message = f"waiting for binding conditions for device on node {node_name}"
        self._recorder.event(pod, "Normal", "BindingConditionsPending", message)

    def _pre_bind_failed(self, plugin: str, assumed: AssumedPod, error: ApiError) -> None:
        message = f'running PreBind plugin "{plugin}": {error.message}'
        self.report_failure(assumed.info.pod, SchedulingFailure(SCHEDULER_ERROR, message))
        self._answered(assumed, error)

    def _answered(self, assumed: AssumedPod, error: ApiError | None) -> None:
        pod, at = assumed.info.pod, key(assumed.info.pod)
        self._snapshot.storage.unreserve(pod.metadata.uid)
        planned = self._snapshot.devices.reserved_for(pod.metadata.uid)
        if self._snapshot.devices.unreserve(pod.metadata.uid):
            self._queue.handle_event(ClusterEvent(EventKind.DEVICE_CLAIM))
        if error is None:
            message = f"Successfully assigned {at.namespace}/{at.name} to {assumed.node_name}"
            self._recorder.event(pod, "Normal", "Scheduled", message)
            return
        # The binding may be stored although its answer was lost: then the informer shows it.
        known = self._pods.store.get(at)
        is_bound = known is not None and known.metadata.uid == pod.metadata.uid and bool(known.spec.nodeName)
        if not is_bound and self._snapshot.remove_pod(pod.metadata.uid):
            self._queue.handle_event(ClusterEvent(EventKind.ASSIGNED_POD_DELETE, pod=assumed.info))
        if not is_bound and planned is not None:
            self._claim_releaser.leave(planned.claims, pod)
            if (created := self._snapshot.devices.extended_claim_of(pod.metadata.uid)) is not None:
                self._claim_releaser.delete(created, pod)
        self._queue.requeue_after_backoff(at)
