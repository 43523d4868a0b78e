"""Hopeless pods, by shape: what is true of one is true of all, so one at a time is tried when something happened."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterator

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.queue import cluster_events, queueing_hints
from master.scheduler.queue.awaited_victims import Room, left
from master.scheduler.queue.cluster_events import Event
from podlab.api.objects import Key

# However long nothing happened, one of each group is judged again after this, as Kubernetes does with each pod.
UNSCHEDULABLE_LIMIT_S = 300.0
# Each that finds a node lets so many of its group follow, but no more at a time than the second figure.
FOLLOWERS = 2
MOST_OUT = 256


class Group:
    """Pods of one shape and priority. Those that rest wait for an event; those that are out are being tried."""

    def __init__(self, identity: Hashable) -> None:
        self.identity = identity
        self.info: PodInfo
        self.plugins: frozenset[str] = frozenset()
        self.room: Room | None = None  # that is being made, for a group of one
        self.overdue_at = 0.0
        self._heap: list[tuple[float, int, Key]] = []
        self._resting: dict[Key, int] = {}
        self._out: set[Key] = set()

    @property
    def is_empty(self) -> bool:
        return not self._resting and not self._out

    def rest(self, due: float, ticket: int, key: Key) -> None:
        """Takes in a pod that was refused: it will be woken after those that were due before."""
        heapq.heappush(self._heap, (due, ticket, key))
        self._resting[key] = ticket

    def leave(self, key: Key) -> bool:
        """Forgets the pod; True when it was out."""
        self._resting.pop(key, None)
        was_out = key in self._out
        self._out.discard(key)
        return was_out

    def scout(self) -> list[tuple[Key, int]]:
        """One goes out, with its ticket, if none is: the one whose back-off ends first."""
        return [] if self._out else self._go(1)

    def follow(self) -> list[tuple[Key, int]]:
        """One that was out has found a node: these go after it, with their tickets."""
        return self._go(min(FOLLOWERS, MOST_OUT - len(self._out)))

    def _go(self, count: int) -> list[tuple[Key, int]]:
        gone: list[tuple[Key, int]] = []
        while self._heap and len(gone) < count:
            _, ticket, key = heapq.heappop(self._heap)
            if self._resting.get(key) == ticket:
                del self._resting[key]
                self._out.add(key)
                gone.append((key, ticket))
        return gone


Index = defaultdict[str, dict[Hashable, Group]]


class Groups:
    """All groups, found by the plugins that refused them, and those that room is made for also by its node.

    These wait for what leaves that node alone, so that each pod that goes wakes one of them, however many they are.
    """

    def __init__(self) -> None:
        self._groups: dict[Hashable, Group] = {}
        self._refused_by: Index = defaultdict(dict)
        self._room_refused_by: Index = defaultdict(dict)
        self._room_at: Index = defaultdict(dict)
        self._overdue: list[tuple[float, int, Group]] = []
        self._numbers = itertools.count()

    def join(
        self, identity: Hashable, info: PodInfo, plugins: frozenset[str], now: float, room: Room | None = None
    ) -> Group:
        """The group of that identity, which the plugins have refused just now."""
        group = self._groups.get(identity)
        if group is None:
            group = self._groups[identity] = Group(identity)
            heapq.heappush(self._overdue, (now + UNSCHEDULABLE_LIMIT_S, next(self._numbers), group))
        group.info, group.overdue_at = info, now + UNSCHEDULABLE_LIMIT_S
        self._index(group, plugins or frozenset({cluster_events.NO_PLUGIN}), room)
        return group

    def leave(self, group: Group, key: Key) -> bool:
        """Takes the pod out of its group; True when it was out for it."""
        was_out = group.leave(key)
        if group.is_empty and self._groups.get(group.identity) is group:
            del self._groups[group.identity]
            self._index(group, frozenset(), None)
        return was_out

    def helped(self, event: Event) -> list[Group]:
        """Those that the event may help."""
        node_name = left(event)
        found = {
            identity: group
            for index in (self._refused_by, *(() if node_name else (self._room_refused_by,)))
            for plugin in cluster_events.plugins_helped(event, index.keys())
            for identity, group in index[plugin].items()
            if queueing_hints.may_help(plugin, group.info, event)
        }
        for identity, group in self._room_at.get(node_name, {}).items():
            if group.room is not None and group.room.may_be_there(event):
                found[identity] = group
        return list(found.values())

    def overdue(self, now: float) -> Iterator[Group]:
        """Those of which none was judged for too long."""
        while self._overdue and self._overdue[0][0] <= now:
            _, _, group = heapq.heappop(self._overdue)
            if group.is_empty:
                continue
            is_overdue = group.overdue_at <= now
            if is_overdue:
                group.overdue_at = now + UNSCHEDULABLE_LIMIT_S
            heapq.heappush(self._overdue, (group.overdue_at, next(self._numbers), group))
            if is_overdue:
                yield group

    def next_due(self) -> float:
        """When `overdue` may have something to tell."""
        return self._overdue[0][0] if self._overdue else float("inf")

    def _index(self, group: Group, names: frozenset[str], room: Room | None) -> None:
        for index, name in self._places(group):
            index[name].pop(group.identity)
            if not index[name]:
                del index[name]
        group.plugins, group.room = names, room
        for index, name in self._places(group):
            index[name][group.identity] = group

    def _places(self, group: Group) -> list[tuple[Index, str]]:
        """Where the group is found."""
        if group.room is None:
            return [(self._refused_by, name) for name in group.plugins]
        return [(self._room_at, group.room.node_name), *((self._room_refused_by, name) for name in group.plugins)]
