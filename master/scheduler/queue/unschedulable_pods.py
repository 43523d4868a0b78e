"""Unschedulable pods, in groups of one shape.

What refuses one pod of a group refuses all, so an event wakes one pod of a group at a time.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterator

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.queue import queueing_hints
from master.scheduler.queue.awaited_victims import AwaitedVictims, vacated_node
from master.scheduler.queue.cluster_events import ClusterEvent
from podlab.api.objects import Key

# Without any event, one pod of each group is tried again after this, as Kubernetes does with each pod.
UNSCHEDULABLE_LIMIT_S = 300.0
# Each pod of a group that finds a node wakes so many others, while no more than the second figure are being retried.
WOKEN_BY_SUCCESS = 2
MOST_RETRIED = 256


class ShapeGroup:
    """Pods of one shape and priority. Each waits for an event, or is being retried.

    `info` is a pod of the group and `plugins` are those that refused it. A pod that awaits victims has its own group.
    """

    def __init__(self, identity: Hashable) -> None:
        self.identity = identity
        self.info: PodInfo
        self.plugins: frozenset[str] = frozenset()
        self.awaited: AwaitedVictims | None = None
        self.overdue_at = 0.0
        self._heap: list[tuple[float, int, Key]] = []
        self._waiting: dict[Key, int] = {}
        self._retried: set[Key] = set()

    @property
    def is_empty(self) -> bool:
        return not self._waiting and not self._retried

    def add(self, due: float, ticket: int, key: Key) -> None:
        """Adds a pod that was refused. Pods that were due before it are woken first."""
        heapq.heappush(self._heap, (due, ticket, key))
        self._waiting[key] = ticket

    def remove(self, key: Key) -> bool:
        """Removes the pod; True when it was being retried."""
        self._waiting.pop(key, None)
        was_retried = key in self._retried
        self._retried.discard(key)
        return was_retried

    def wake_one(self) -> list[tuple[Key, int]]:
        """The pod whose back-off ends first, with its ticket; none while a pod of the group is being retried."""
        return [] if self._retried else self._wake(1)

    def wake_more(self) -> list[tuple[Key, int]]:
        """The pods to retry, with their tickets, after one has found a node."""
        return self._wake(min(WOKEN_BY_SUCCESS, MOST_RETRIED - len(self._retried)))

    def _wake(self, count: int) -> list[tuple[Key, int]]:
        woken: list[tuple[Key, int]] = []
        while self._heap and len(woken) < count:
            _, ticket, key = heapq.heappop(self._heap)
            if self._waiting.get(key) == ticket:
                del self._waiting[key]
                self._retried.add(key)
                woken.append((key, ticket))
        return woken


Index = defaultdict[str, dict[Hashable, ShapeGroup]]


class UnschedulablePods:
    """All groups, indexed by the plugins that refused them; groups that await victims also by their node.

    What leaves a node wakes a group that awaits victims only on that node, however many such groups there are.
    """

    def __init__(self) -> None:
        self._groups: dict[Hashable, ShapeGroup] = {}
        self._by_plugin: Index = defaultdict(dict)
        self._awaiting_by_plugin: Index = defaultdict(dict)
        self._awaiting_by_node: Index = defaultdict(dict)
        self._overdue: list[tuple[float, int, ShapeGroup]] = []
        self._numbers = itertools.count()

    def group(
        self,
        identity: Hashable,
        info: PodInfo,
        plugins: frozenset[str],
        now: float,
        awaited: AwaitedVictims | None = None,
    ) -> ShapeGroup:
        """The group of this identity, which the plugins have refused just now. It is made if it is not there."""
        group = self._groups.get(identity)
        if group is None:
            group = self._groups[identity] = ShapeGroup(identity)
            heapq.heappush(self._overdue, (now + UNSCHEDULABLE_LIMIT_S, next(self._numbers), group))
        group.info, group.overdue_at = info, now + UNSCHEDULABLE_LIMIT_S
        self._index(group, plugins or frozenset({queueing_hints.NO_PLUGIN}), awaited)
        return group

    def remove(self, group: ShapeGroup, key: Key) -> bool:
        """Removes the pod from its group; True when it was being retried."""
        was_retried = group.remove(key)
        if group.is_empty and self._groups.get(group.identity) is group:
            del self._groups[group.identity]
            self._index(group, frozenset(), None)
        return was_retried

    def helped_by(self, event: ClusterEvent) -> list[ShapeGroup]:
        """The groups that the event may make schedulable."""
        node_name = vacated_node(event)
        found = {
            identity: group
            for index in (self._by_plugin, *(() if node_name else (self._awaiting_by_plugin,)))
            for plugin in queueing_hints.plugins_registered_for(event, index.keys())
            for identity, group in index[plugin].items()
            if queueing_hints.is_worth_requeuing(plugin, group.info, event)
        }
        for identity, group in self._awaiting_by_node.get(node_name, {}).items():
            if group.awaited is not None and group.awaited.may_fit_after(event):
                found[identity] = group
        return list(found.values())

    def overdue(self, now: float) -> Iterator[ShapeGroup]:
        """The groups of which no pod was tried for UNSCHEDULABLE_LIMIT_S."""
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
        """When the next group may be overdue."""
        return self._overdue[0][0] if self._overdue else float("inf")

    def _index(self, group: ShapeGroup, plugins: frozenset[str], awaited: AwaitedVictims | None) -> None:
        for index, name in self._entries(group):
            index[name].pop(group.identity)
            if not index[name]:
                del index[name]
        group.plugins, group.awaited = plugins, awaited
        for index, name in self._entries(group):
            index[name][group.identity] = group

    def _entries(self, group: ShapeGroup) -> list[tuple[Index, str]]:
        """The indexes that hold the group, each with the name that it is held under."""
        if group.awaited is None:
            return [(self._by_plugin, name) for name in group.plugins]
        by_plugin = [(self._awaiting_by_plugin, name) for name in group.plugins]
        return [(self._awaiting_by_node, group.awaited.node_name), *by_plugin]
