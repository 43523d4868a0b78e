"""Pods that wait for a node: ready ones by priority, those that failed behind a back-off, hopeless ones for an event.

The rules are those of Kubernetes' scheduling queue
(https://github.com/kubernetes/community/blob/master/contributors/devel/sig-scheduling/scheduler_queues.md).
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from dataclasses import dataclass

from podlab.api.objects import Key

BACKOFF_BASE_S = 1.0
BACKOFF_LIMIT_S = 10.0
# However long nothing happened, a pod is judged again after this.
UNSCHEDULABLE_LIMIT_S = 300.0


@dataclass
class _Waiting:
    priority: int
    attempts: int = 0
    due: float = 0.0  # when its back-off ends, on the loop's clock
    timer: asyncio.TimerHandle | None = None
    ready: bool = False
    judged: bool = False  # taken by `pop`, and neither `failed` nor removed yet


class SchedulingQueue:
    """A pod is in it from `add` until `remove`, also while it is being judged."""

    def __init__(self) -> None:
        self._pods: dict[Key, _Waiting] = {}
        self._heap: list[tuple[int, int, Key]] = []  # highest priority first, then the longest wait
        self._order = itertools.count()
        self._filled = asyncio.Event()
        self._moves = 0  # how many events there were that can make pods fit

    def add(self, key: Key, priority: int) -> None:
        """A new pod, or one that changed so that it may fit now: it is judged at once."""
        waiting = self._pods.setdefault(key, _Waiting(priority))
        waiting.priority = priority
        self._make_ready(key, waiting)

    def remove(self, key: Key) -> None:
        """The pod has a node or is gone."""
        waiting = self._pods.pop(key, None)
        if waiting is not None and waiting.timer is not None:
            waiting.timer.cancel()

    def move_all(self) -> None:
        """Something happened that can make pods fit: all are judged again once their back-off is over."""
        self._moves += 1
        for key in self._pods:
            self.move(key)

    def move(self, key: Key) -> None:
        """The pod is to be judged again once its back-off is over."""
        waiting = self._pods.get(key)
        if waiting is not None and not waiting.ready and not waiting.judged:
            self._wake_at(key, waiting, max(waiting.due, asyncio.get_running_loop().time()))

    async def pop(self, limit: int) -> tuple[list[Key], int]:
        """Waits for ready pods and takes up to `limit`; the number is to be given back to `failed`."""
        while True:
            keys: list[Key] = []
            while self._heap and len(keys) < limit:
                *_, key = heapq.heappop(self._heap)
                waiting = self._pods.get(key)
                if waiting is not None and waiting.ready:
                    waiting.ready, waiting.judged = False, True
                    keys.append(key)
            if keys:
                return keys, self._moves
            self._filled.clear()
            await self._filled.wait()

    def failed(self, key: Key, moves: int, *, unschedulable: bool) -> None:
        """The pod was judged and got no node: an unschedulable one waits for an event, another for its back-off."""
        waiting = self._pods.get(key)
        if waiting is None or not waiting.judged:
            return
        waiting.judged = False
        now = asyncio.get_running_loop().time()
        waiting.due = now + min(BACKOFF_LIMIT_S, BACKOFF_BASE_S * 2.0 ** min(waiting.attempts, 16))
        waiting.attempts += 1
        # An event that came while the pod was judged may have been missed by the judgement.
        missed = moves != self._moves
        hopeless = unschedulable and not missed
        self._wake_at(key, waiting, now + UNSCHEDULABLE_LIMIT_S if hopeless else waiting.due)

    def attempts(self, key: Key) -> int:
        """How often the pod was judged without success."""
        waiting = self._pods.get(key)
        return waiting.attempts if waiting else 0

    def __contains__(self, key: Key) -> bool:
        return key in self._pods

    def _wake_at(self, key: Key, waiting: _Waiting, when: float) -> None:
        if waiting.timer is not None:
            waiting.timer.cancel()
        waiting.timer = asyncio.get_running_loop().call_at(when, self._make_ready, key, waiting)

    def _make_ready(self, key: Key, waiting: _Waiting) -> None:
        if waiting.timer is not None:
            waiting.timer.cancel()
            waiting.timer = None
        if waiting.ready or waiting.judged or self._pods.get(key) is not waiting:
            return
        waiting.ready = True
        heapq.heappush(self._heap, (-waiting.priority, next(self._order), key))
        self._filled.set()
