"""Schedules pods one after another. A pod that fits is assumed on its node; others go back to the queue."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from master.scheduler.cache.pod_info import PodInfo, pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.cycle.assumed_pod import AssumedPod
from master.scheduler.cycle.decision import Decision
from master.scheduler.cycle.decision_log import DecisionLog
from master.scheduler.cycle.pod_conditions import SCHEDULER_ERROR, UNSCHEDULABLE, SchedulingFailure
from master.scheduler.cycle.scheduling_algorithm import SchedulingAlgorithm
from master.scheduler.plugins import volume_binding
from master.scheduler.plugins.dynamic_resources import Deallocation
from master.scheduler.plugins.protocol import PluginError
from master.scheduler.preemption.nominated_pods import NominatedPods
from master.scheduler.preemption.victims import Candidate
from master.scheduler.queue.awaited_victims import AwaitedVictims
from master.scheduler.queue.cluster_events import ClusterEvent, EventKind
from master.scheduler.queue.scheduling_queue import SchedulingQueue
from podlab.api.objects import Key, key
from podlab.core.v1.pod_pb2 import Pod

log = logging.getLogger(__name__)


class FailureHandler(Protocol):
    """Does what follows when a pod fits on no node. No method waits."""

    def report_failure(self, pod: Pod, failure: SchedulingFailure) -> None:
        """Writes the failure into the pod's status and an Event."""

    def evict(self, victim: PodInfo, preemptor: PodInfo, node_name: str) -> None:
        """Evicts the victim."""

    def release(self, deallocation: Deallocation, pod: Pod) -> None:
        """Takes back what a claim was given, which is of no use to the pod, and used by no other."""


class SchedulingCycle:
    """`pending` gives the pod of a key if it is to be scheduled; `decided` is told each decision."""

    def __init__(
        self,
        algorithm: SchedulingAlgorithm,
        snapshot: Snapshot,
        queue: SchedulingQueue,
        nominated_pods: NominatedPods,
        decisions: DecisionLog,
        *,
        pending: Callable[[Key], Pod | None],
        failure_handler: FailureHandler,
        decided: Callable[[PodInfo, Decision], None],
    ) -> None:
        self._algorithm = algorithm
        self._snapshot = snapshot
        self._queue = queue
        self._nominated_pods = nominated_pods
        self._decisions = decisions
        self._pending = pending
        self._failure_handler = failure_handler
        self._decided = decided

    def schedule(self, keys: Sequence[Key]) -> list[AssumedPod]:
        """The pods that found a node, assumed to be there."""
        assumed: list[AssumedPod] = []
        for at in keys:
            pod = self._pending(at)
            if pod is None:
                self._queue.remove(at)
                continue
            try:
                found = self._schedule_one(at, pod_info(pod))
            except PluginError as error:
                log.warning("%s cannot be scheduled: %s", at, error)
                self._failed(at, pod, str(error))
                continue
            except Exception as error:  # a plugin that fails for one pod must not keep other pods from their nodes
                log.exception("%s cannot be scheduled", at)
                self._failed(at, pod, f"{type(error).__name__}: {error}")
                continue
            if found is not None:
                assumed.append(found)
        return assumed

    def _failed(self, at: Key, pod: Pod, message: str) -> None:
        self._queue.requeue_after_backoff(at)
        self._failure_handler.report_failure(pod, SchedulingFailure(SCHEDULER_ERROR, message))

    def _schedule_one(self, at: Key, info: PodInfo) -> AssumedPod | None:
        decision = self._algorithm.schedule(info, self._queue.attempts(at) + 1)
        self._decisions.add(at, decision)
        self._decided(info, decision)
        node_name = decision.result.node_name
        if not node_name:
            self._handle_unschedulable(at, info, decision)
            return None
        if decision.used_nomination:
            self._nominated_pods.remove(info.uid)
        else:
            self._end_nomination(info)
        self._reserve(info, node_name, decision)
        self._snapshot.add_pod(info, node_name)
        self._queue.pod_scheduled(at)
        return AssumedPod(info, node_name)

    def _reserve(self, info: PodInfo, node_name: str, decision: Decision) -> None:
        """No other pod gets the volumes and devices that this one needs on the node."""
        plugin = decision.result.profile.devices
        devices = plugin.plan(info, self._snapshot, node_name) if plugin is not None else None
        if devices is not None:
            self._snapshot.devices.reserve(info.uid, devices)
        if info.shape.claims:
            self._snapshot.storage.reserve(info.uid, volume_binding.pod_volumes(info, self._snapshot, node_name))

    def _handle_unschedulable(self, at: Key, info: PodInfo, decision: Decision) -> None:
        preemption, deallocation = decision.preemption, decision.deallocation
        if deallocation is not None and deallocation.claim is not None:
            self._failure_handler.release(deallocation, info.pod)
        if preemption is not None and preemption.chosen is not None:
            self._preempt(info, preemption.chosen)
        elif preemption is None or not preemption.victims:
            self._end_nomination(info)
        nominated_node = self._nominated_pods.node_of(info.uid)
        awaited = AwaitedVictims(nominated_node, preemption.victims) if nominated_node and preemption else None
        plugins = decision.result.unschedulable_plugins
        self._queue.add_unschedulable(at, info, self._algorithm.shape(info), plugins, awaited=awaited)
        failure = SchedulingFailure(UNSCHEDULABLE, decision.failure_message, nominated_node)
        self._failure_handler.report_failure(info.pod, failure)

    def _end_nomination(self, info: PodInfo) -> None:
        """The room that was kept for the pod is free for others."""
        if self._nominated_pods.remove(info.uid) is not None:
            self._queue.handle_event(ClusterEvent(EventKind.ASSIGNED_POD_DELETE, pod=info))

    def _preempt(self, info: PodInfo, chosen: Candidate) -> None:
        """Evicts the victims. Less important pods that are nominated to the node lose their nomination."""
        for other in self._nominated_pods.of_lower_priority(chosen.node_name, info.pod.spec.priority):
            self._nominated_pods.remove(other.uid)
            self._queue.add(key(other.pod), other.pod.spec.priority)
        self._nominated_pods.add(info, chosen.node_name)
        for victim in chosen.victims:
            self._failure_handler.evict(victim, info, chosen.node_name)
