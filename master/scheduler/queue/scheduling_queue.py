"""Pods that wait for a node: active ones by priority, those that failed behind a back-off, hopeless ones for an event.

The rules are those of Kubernetes' scheduling queue
(https://github.com/kubernetes/community/blob/master/contributors/devel/sig-scheduling/scheduler_queues.md), with one
addition: hopeless pods of one shape, of which any verdict is true of all, form a group. An event wakes one pod of a
group; the others follow once that one has found a node. So an event costs the same however many wait.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.queue.awaited_victims import Room
from master.scheduler.queue.backoff import KUBERNETES_BACKOFF, Backoff
from master.scheduler.queue.cluster_events import Event
from master.scheduler.queue.unschedulable_pods import Group, Groups
from podlab.api.objects import Key


@dataclass(eq=False, slots=True)
class Waiting:
    """A pod in the queue. Of what the heaps hold of it, only the entry with its present ticket counts."""

    key: Key
    priority: int
    attempts: int = 0
    due: float = 0.0  # when its back-off ends
    ticket: int = -1
    group: Group | None = None


Heap = list[tuple[float, int, Waiting]]


@dataclass
class _Heaps:
    """Both ordered: the active by priority and then by ticket, the backing off by when they may be tried again."""

    active: Heap = field(default_factory=list)
    backing_off: Heap = field(default_factory=list)


class SchedulingQueue:
    """A pod is in it from `add` until `remove`, also while it is being scheduled.

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
        self._pods: dict[Key, Waiting] = {}
        self._heaps = _Heaps()
        self._groups = Groups()
        self._tickets = itertools.count()

    def add(self, key: Key, priority: int) -> None:
        """A new pod, or one that changed so that it may fit now: it is judged at once."""
        waiting = self._pods.setdefault(key, Waiting(key, priority))
        waiting.priority = priority
        self._leave_group(waiting)
        self._activate(waiting)

    def remove(self, key: Key) -> None:
        """The pod has a node or is gone."""
        waiting = self._pods.pop(key, None)
        if waiting is not None:
            waiting.ticket = -1
            self._leave_group(waiting)

    def happened(self, event: Event) -> None:
        """Something that may help pods which plugins refused: one of each group it can help is judged again."""
        for group in self._groups.helped(event):
            self._wake(group.scout())

    def has_active(self) -> bool:
        """Whether `take` has pods to give now."""
        self._flush()
        return bool(self._heaps.active)

    def delay_s(self) -> float:
        """After how long a back-off ends or a pod is overdue; infinite when there is none."""
        return max(0.0, min(self._next_due(), self._groups.next_due()) - self._clock())

    def take(self, limit: int) -> list[Key]:
        """Up to `limit` active pods, highest priority first; each is to be given back by `failed` or `remove`."""
        self._flush()
        taken: list[Key] = []
        while self._heaps.active and len(taken) < limit:
            *_, ticket, waiting = heapq.heappop(self._heaps.active)
            if ticket == waiting.ticket:
                waiting.ticket = -1
                taken.append(waiting.key)
        return taken

    def found(self, key: Key) -> None:
        """The pod that was judged fits: those that are like it may fit too."""
        waiting = self._pods.get(key)
        if waiting is not None and waiting.group is not None:
            group, waiting.group = waiting.group, None
            self._groups.leave(group, key)
            self._wake(group.follow())

    def hopeless(
        self, key: Key, info: PodInfo, shape: Hashable, plugins: frozenset[str], *, room: Room | None = None
    ) -> None:
        """No node fits the pod: it waits for an event that can help it with one of the plugins that refused it.

        `shape` is equal for pods of which any verdict is true of all. While `room` is being made for the pod, it waits
        for that, and needs no back-off.
        """
        waiting = self._failed(key)
        if waiting is None:
            return
        if room is not None:
            waiting.due = self._clock()
        if waiting.group is not None:
            self._groups.leave(waiting.group, key)
        identity = shape, waiting.priority, key if room is not None else None
        waiting.group = self._groups.join(identity, info, plugins, self._clock(), room)
        waiting.group.rest(waiting.due, waiting.ticket, key)
        self._changed()

    def unlucky(self, key: Key) -> None:
        """Something else came between, a binding that failed for one: the pod is tried again after its back-off."""
        waiting = self._failed(key)
        if waiting is not None:
            self._leave_group(waiting)
            self._back_off(waiting)

    def attempts(self, key: Key) -> int:
        """How often the pod was judged without success."""
        waiting = self._pods.get(key)
        return waiting.attempts if waiting else 0

    def _failed(self, key: Key) -> Waiting | None:
        waiting = self._pods.get(key)
        if waiting is not None:
            waiting.due = self._clock() + self._backoff.delay_s(waiting.attempts)
            waiting.attempts += 1
            waiting.ticket = next(self._tickets)
        return waiting

    def _activate(self, waiting: Waiting) -> None:
        waiting.ticket = next(self._tickets)
        heapq.heappush(self._heaps.active, (-waiting.priority, waiting.ticket, waiting))
        self._changed()

    def _back_off(self, waiting: Waiting) -> None:
        """Active at once when the back-off is over."""
        if waiting.due <= self._clock():
            self._activate(waiting)
            return
        waiting.ticket = next(self._tickets)
        heapq.heappush(self._heaps.backing_off, (waiting.due, waiting.ticket, waiting))
        self._changed()

    def _wake(self, woken: Iterable[tuple[Key, int]]) -> None:
        for key, ticket in woken:
            waiting = self._pods.get(key)
            if waiting is not None and waiting.ticket == ticket:
                self._back_off(waiting)

    def _leave_group(self, waiting: Waiting) -> None:
        """When it was out for its group, another goes instead."""
        group, waiting.group = waiting.group, None
        if group is not None and self._groups.leave(group, waiting.key):
            self._wake(group.scout())

    def _next_due(self) -> float:
        return self._heaps.backing_off[0][0] if self._heaps.backing_off else float("inf")

    def _flush(self) -> None:
        """What is due becomes active; what is no longer there leaves the heaps' heads."""
        now = self._clock()
        for group in self._groups.overdue(now):
            self._wake(group.scout())
        for waiting in _popped(self._heaps.backing_off, now):
            self._activate(waiting)
        active = self._heaps.active
        while active and active[0][1] != active[0][2].ticket:
            heapq.heappop(active)


def _popped(heap: Heap, now: float) -> Iterator[Waiting]:
    while heap and (heap[0][0] <= now or heap[0][1] != heap[0][2].ticket):
        _, ticket, waiting = heapq.heappop(heap)
        if ticket == waiting.ticket:
            yield waiting
