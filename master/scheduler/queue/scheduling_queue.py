"""Pods that wait for a node: active ones, those in back-off, and unschedulable ones that wait for an event.

The rules are those of Kubernetes' scheduling queue
(https://github.com/kubernetes/community/blob/master/contributors/devel/sig-scheduling/scheduler_queues.md), with one
addition: unschedulable pods of one shape form a group. An event wakes one pod of a group; others follow once that one
has found a node. So an event costs the same however many pods wait.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.queue.awaited_victims import AwaitedVictims
from master.scheduler.queue.backoff import KUBERNETES_BACKOFF, Backoff
from master.scheduler.queue.cluster_events import ClusterEvent
from master.scheduler.queue.unschedulable_pods import ShapeGroup, UnschedulablePods
from podlab.api.objects import Key


@dataclass(eq=False, slots=True)
class QueuedPodInfo:
    """A pod in the queue. Of its entries in the heaps only the one with the present ticket counts."""

    key: Key
    priority: int
    attempts: int = 0
    due: float = 0.0  # when its back-off ends
    ticket: int = -1
    group: ShapeGroup | None = None


Heap = list[tuple[float, int, QueuedPodInfo]]


@dataclass
class _Heaps:
    """`active` is ordered by priority and then by ticket, `backoff` by when the back-off ends."""

    active: Heap = field(default_factory=list)
    backoff: Heap = field(default_factory=list)


class SchedulingQueue:
    """A pod is in the queue from `add` until `remove`, also while it is being scheduled.

    `clock` is in seconds. `changed` is called when there may be an active pod, or `delay_s` may be less than before.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        backoff: Backoff = KUBERNETES_BACKOFF,
        *,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._backoff = backoff
        self._changed = changed
        self._pods: dict[Key, QueuedPodInfo] = {}
        self._heaps = _Heaps()
        self._unschedulable = UnschedulablePods()
        self._tickets = itertools.count()

    def add(self, key: Key, priority: int) -> None:
        """Makes the pod active: it is new, or changed so that it may fit now."""
        queued = self._pods.setdefault(key, QueuedPodInfo(key, priority))
        queued.priority = priority
        self._leave_group(queued)
        self._activate(queued)

    def remove(self, key: Key) -> None:
        """The pod has a node or is gone."""
        queued = self._pods.pop(key, None)
        if queued is not None:
            queued.ticket = -1
            self._leave_group(queued)

    def handle_event(self, event: ClusterEvent) -> None:
        """Wakes one pod of each group that the event may help."""
        for group in self._unschedulable.helped_by(event):
            self._wake(group.wake_one())

    def has_active(self) -> bool:
        """Whether `pop` has pods to give now."""
        self._flush()
        return bool(self._heaps.active)

    def delay_s(self) -> float:
        """After how long a back-off ends or a group is overdue; infinite when there is none."""
        return max(0.0, min(self._next_due(), self._unschedulable.next_due()) - self._clock())

    def pop(self, limit: int) -> list[Key]:
        """Up to `limit` active pods, highest priority first.

        Each is to be given back by `add_unschedulable`, `requeue_after_backoff` or `remove`.
        """
        self._flush()
        popped: list[Key] = []
        while self._heaps.active and len(popped) < limit:
            *_, ticket, queued = heapq.heappop(self._heaps.active)
            if ticket == queued.ticket:
                queued.ticket = -1
                popped.append(queued.key)
        return popped

    def pod_scheduled(self, key: Key) -> None:
        """The pod found a node: others of its group may find one too."""
        queued = self._pods.get(key)
        if queued is not None and queued.group is not None:
            group, queued.group = queued.group, None
            self._unschedulable.remove(group, key)
            self._wake(group.wake_more())

    def add_unschedulable(
        self,
        key: Key,
        info: PodInfo,
        shape: Hashable,
        plugins: frozenset[str],
        *,
        awaited: AwaitedVictims | None = None,
    ) -> None:
        """No node fits the pod: it waits for an event that can help where one of the plugins refused it.

        `shape` is equal for pods that get equal results. A pod that awaits victims needs no back-off.
        """
        queued = self._failed(key)
        if queued is None:
            return
        if awaited is not None:
            queued.due = self._clock()
        if queued.group is not None:
            self._unschedulable.remove(queued.group, key)
        identity = shape, queued.priority, key if awaited is not None else None
        queued.group = self._unschedulable.group(identity, info, plugins, self._clock(), awaited)
        queued.group.add(queued.due, queued.ticket, key)
        self._changed()

    def requeue_after_backoff(self, key: Key) -> None:
        """The attempt failed for another reason, as a failed binding: the pod is tried again after its back-off."""
        queued = self._failed(key)
        if queued is not None:
            self._leave_group(queued)
            self._back_off(queued)

    def attempts(self, key: Key) -> int:
        """How many attempts to schedule the pod have failed."""
        queued = self._pods.get(key)
        return queued.attempts if queued else 0

    def _failed(self, key: Key) -> QueuedPodInfo | None:
        queued = self._pods.get(key)
        if queued is not None:
            queued.due = self._clock() + self._backoff.delay_s(queued.attempts)
            queued.attempts += 1
            queued.ticket = next(self._tickets)
        return queued

    def _activate(self, queued: QueuedPodInfo) -> None:
        queued.ticket = next(self._tickets)
        heapq.heappush(self._heaps.active, (-queued.priority, queued.ticket, queued))
        self._changed()

    def _back_off(self, queued: QueuedPodInfo) -> None:
        """Makes the pod active once its back-off is over."""
        if queued.due <= self._clock():
            self._activate(queued)
            return
        queued.ticket = next(self._tickets)
        heapq.heappush(self._heaps.backoff, (queued.due, queued.ticket, queued))
        self._changed()

    def _wake(self, woken: Iterable[tuple[Key, int]]) -> None:
        for key, ticket in woken:
            queued = self._pods.get(key)
            if queued is not None and queued.ticket == ticket:
                self._back_off(queued)

    def _leave_group(self, queued: QueuedPodInfo) -> None:
        """If the pod was being retried for its group, another one is woken."""
        group, queued.group = queued.group, None
        if group is not None and self._unschedulable.remove(group, queued.key):
            self._wake(group.wake_one())

    def _next_due(self) -> float:
        return self._heaps.backoff[0][0] if self._heaps.backoff else float("inf")

    def _flush(self) -> None:
        """Activates what is due, and drops outdated entries from the heads of the heaps."""
        now = self._clock()
        for group in self._unschedulable.overdue(now):
            self._wake(group.wake_one())
        for queued in _due(self._heaps.backoff, now):
            self._activate(queued)
        active = self._heaps.active
        while active and active[0][1] != active[0][2].ticket:
            heapq.heappop(active)


def _due(heap: Heap, now: float) -> Iterator[QueuedPodInfo]:
    """Pops the pods whose back-off is over."""
    while heap and (heap[0][0] <= now or heap[0][1] != heap[0][2].ticket):
        _, ticket, queued = heapq.heappop(heap)
        if ticket == queued.ticket:
            yield queued
