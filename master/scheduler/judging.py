"""Judges pods one after another: those that fit are assumed on their nodes, the others told and put to rest."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from master.scheduler.binding import Assumed
from master.scheduler.conditions import SCHEDULER_ERROR, UNSCHEDULABLE, Verdict
from master.scheduler.decisions import Decisions, Remembered
from master.scheduler.nominations import Nominations
from master.scheduler.podinfo import PodInfo, pod_info
from master.scheduler.profile import Profile
from master.scheduler.queue import SchedulingQueue
from master.scheduler.schedule import Decision, schedule
from master.scheduler.snapshot import Snapshot
from master.scheduler.verdicts import Verdicts
from podlab.api import times
from podlab.api.objects import Key
from podlab.core.v1.pod_pb2 import Pod

log = logging.getLogger(__name__)


class Judge:
    """`waiting` gives the pod of a key if a node is to be found for it; `tell` is told of those that get none."""

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        snapshot: Snapshot,
        queue: SchedulingQueue,
        nominations: Nominations,
        decisions: Decisions,
        *,
        waiting: Callable[[Key], Pod | None],
        tell: Callable[[Pod, Verdict], None],
    ) -> None:
        self._profiles = profiles
        self._verdicts = Verdicts()
        self._snapshot = snapshot
        self._queue = queue
        self._nominations = nominations
        self._decisions = decisions
        self._waiting = waiting
        self._tell = tell

    def judge(self, keys: Sequence[Key]) -> list[Assumed]:
        """The pods that found a node, assumed to be there."""
        found: list[Assumed] = []
        for key in keys:
            pod = self._waiting(key)
            if pod is None:
                self._queue.remove(key)
                continue
            try:
                assumed = self._place(key, pod_info(pod))
            except Exception as error:  # a pod that trips a plugin must not keep all others from their nodes
                log.exception("%s cannot be judged", key)
                self._queue.unlucky(key)
                self._tell(pod, Verdict(SCHEDULER_ERROR, f"{type(error).__name__}: {error}"))
                continue
            if assumed is not None:
                found.append(assumed)
        return found

    def _place(self, key: Key, info: PodInfo) -> Assumed | None:
        started = time.perf_counter()
        self._nominations.arrange_for(info)
        decision = schedule(info, self._snapshot, self._profiles[info.pod.spec.schedulerName], self._verdicts)
        duration_us = round((time.perf_counter() - started) * 1e6)
        attempts = self._queue.attempts(key) + 1
        uid = info.pod.metadata.uid
        self._decisions.remember(key, Remembered(decision, uid, times.now(), attempts, duration_us))
        if not decision.node_name:
            self._refuse(key, info, decision)
            return None
        self._nominations.forget(uid)
        self._snapshot.place(info, decision.node_name)
        self._queue.found(key)
        return Assumed(info, decision.node_name)

    def _refuse(self, key: Key, info: PodInfo, decision: Decision) -> None:
        self._queue.hopeless(key, info, info.shape, decision.refused_by)
        nominated = self._nominations.node_of(info.pod.metadata.uid)
        self._tell(info.pod, Verdict(UNSCHEDULABLE, decision.message, nominated))
