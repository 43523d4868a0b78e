"""Judges pods one after another: those that fit are assumed on their nodes, the others told and put to rest."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from master.scheduler.cache.pod_info import PodInfo, pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.cycle.assumed_pod import AssumedPod
from master.scheduler.cycle.decision_log import Decisions
from master.scheduler.cycle.explanation import Made, message
from master.scheduler.cycle.pod_conditions import SCHEDULER_ERROR, UNSCHEDULABLE, Verdict
from master.scheduler.cycle.scheduling_algorithm import Decider
from master.scheduler.plugins import volume_binding
from master.scheduler.preemption.nominated_pods import Nominations
from master.scheduler.preemption.victims import Candidate
from master.scheduler.queue.awaited_victims import Room
from master.scheduler.queue.cluster_events import Event, What
from master.scheduler.queue.scheduling_queue import SchedulingQueue
from podlab.api.objects import Key, key
from podlab.core.v1.pod_pb2 import Pod

log = logging.getLogger(__name__)


class Outside(Protocol):
    """What a judgement does to the world."""

    def tell(self, pod: Pod, verdict: Verdict) -> None:
        """The pod's status is to say so."""

    def evict(self, victim: PodInfo, preemptor: PodInfo, node_name: str) -> None:
        """The victim is to go."""


class Judge:
    """`waiting` gives the pod of a key if a node is to be found for it."""

    def __init__(
        self,
        decider: Decider,
        snapshot: Snapshot,
        queue: SchedulingQueue,
        nominations: Nominations,
        decisions: Decisions,
        *,
        waiting: Callable[[Key], Pod | None],
        outside: Outside,
    ) -> None:
        self._decider = decider
        self._snapshot = snapshot
        self._queue = queue
        self._nominations = nominations
        self._decisions = decisions
        self._waiting = waiting
        self._outside = outside

    def judge(self, keys: Sequence[Key]) -> list[AssumedPod]:
        """The pods that found a node, assumed to be there."""
        found: list[AssumedPod] = []
        for at in keys:
            pod = self._waiting(at)
            if pod is None:
                self._queue.remove(at)
                continue
            try:
                assumed = self._place(at, pod_info(pod))
            except Exception as error:  # a pod that trips a plugin must not keep all others from their nodes
                log.exception("%s cannot be judged", at)
                self._queue.unlucky(at)
                self._outside.tell(pod, Verdict(SCHEDULER_ERROR, f"{type(error).__name__}: {error}"))
                continue
            if assumed is not None:
                found.append(assumed)
        return found

    def _place(self, at: Key, info: PodInfo) -> AssumedPod | None:
        made = self._decider.decide(info, self._queue.attempts(at) + 1)
        self._decisions.remember(at, made)
        node_name = made.decision.node_name
        if not node_name:
            self._refuse(at, info, made)
            return None
        if made.nominated:
            self._nominations.forget(info.uid)
        else:
            self._give_up_nomination(info)
        if info.shape.claims:
            self._snapshot.storage.reserve(info.uid, volume_binding.plan(info, self._snapshot, node_name))
        self._snapshot.place(info, node_name)
        self._queue.found(at)
        return AssumedPod(info, node_name)

    def _refuse(self, at: Key, info: PodInfo, made: Made) -> None:
        chosen = made.preemption.chosen if made.preemption else None
        if chosen is not None:
            self._preempt(info, chosen)
        elif made.preemption is None or not made.preemption.victims:
            self._give_up_nomination(info)
        nominated = self._nominations.node_of(info.uid)
        room = Room(nominated, made.preemption.victims) if nominated and made.preemption else None
        self._queue.hopeless(at, info, self._decider.shape(info), made.decision.refused_by, room=room)
        self._outside.tell(info.pod, Verdict(UNSCHEDULABLE, message(made.decision, made.preemption), nominated))

    def _give_up_nomination(self, info: PodInfo) -> None:
        """Room that was kept for the pod is free for others."""
        if self._nominations.forget(info.uid) is not None:
            self._queue.happened(Event(What.POD_GONE, pod=info))

    def _preempt(self, info: PodInfo, chosen: Candidate) -> None:
        """Those that were to get room on the node and are less important look anew."""
        for other in self._nominations.less_important(chosen.node_name, info.pod.spec.priority):
            self._nominations.forget(other.uid)
            self._queue.add(key(other.pod), other.pod.spec.priority)
        self._nominations.nominate(info, chosen.node_name)
        for victim in chosen.victims:
            self._outside.evict(victim, info, chosen.node_name)
