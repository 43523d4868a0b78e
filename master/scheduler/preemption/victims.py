"""Which less important pods would have to go from a node, and which node is left with the least harm. No I/O.

The order of choice is Kubernetes'
(https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from master.scheduler.algorithm.schedule_pod import fits
from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config.profile import Profile
from master.scheduler.plugins.protocol import Follows
from master.scheduler.preemption.disruption_budgets import Budgets

_NOT_STARTED = 1 << 62
LIKES_REMEMBERED = 4096


Harm = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class Candidate:
    """A node, and who would have to go there, most important first; `violations` of them break a budget."""

    node_name: str
    victims: tuple[PodInfo, ...]
    violations: int = 0

    @cached_property
    def harm(self) -> Harm:
        """The least is the best: fewest broken budgets, least important victims, fewest, latest started."""
        priorities = [victim.pod.spec.priority for victim in self.victims]
        highest = priorities[0]
        started = min(_started(victim) for victim in self.victims if victim.pod.spec.priority == highest)
        # As Kubernetes does, each priority is made positive, so that more victims are a larger sum.
        total = sum(priority + (1 << 31) for priority in priorities)
        return self.violations, highest, total, len(priorities), -started


Going = tuple[int, ...] | None
"""The places of those that cannot stay, in the order in which they were tried; None where the pod does not fit even
when all are gone."""


class Tried:
    """What was found for a pod's shape on nodes that are like others to it: there nobody has to be moved again."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Going] = {}

    def candidates(
        self, info: PodInfo, nodes: Snapshot, profile: Profile, rows: NDArray[np.int64], budgets: Budgets
    ) -> dict[int, Candidate]:
        """For each row that fits the pod once all less important pods are gone: those that cannot stay.

        All rows are tried at once: what fits one must not depend on what stands on another.
        """
        found = [_Lower(int(row), info, nodes, budgets) for row in rows]
        lower = [each for each in found if each.order]
        if not lower:
            return {}
        if len(self._known) > LIKES_REMEMBERED:
            self._known.clear()
        by_room = _is_judged_by_room(info, nodes, profile, np.array([each.row for each in lower], np.int64))
        likes: dict[int, Hashable] = {
            each.row: (nodes.resources.room(each.row), each.like) if by_room else each.row for each in lower
        }
        known = self._known if by_room else {}
        new = {likes[each.row]: each for each in lower if likes[each.row] not in known}
        outcomes = _tried(info, nodes, profile, [*new.values()]) if new else {}
        known |= {like: outcomes[each.row] for like, each in new.items()}
        going = {each.row: (each, known[likes[each.row]]) for each in lower}
        return {row: each.candidate(nodes.names[row], places) for row, (each, places) in going.items() if places}


class _Lower:
    """The less important pods on a row, in the order in which they are put back: those first whose going would break a
    budget, then the most important."""

    def __init__(self, row: int, info: PodInfo, nodes: Snapshot, budgets: Budgets) -> None:
        self.row = row
        priority = info.pod.spec.priority
        lower = _by_importance(each for each in nodes.pods_on(nodes.names[row]) if each.pod.spec.priority < priority)
        self._violating = budgets.violating(lower)
        self.order = sorted(lower, key=lambda each: each.uid not in self._violating) if self._violating else lower

    @property
    def like(self) -> Hashable:
        """Equal for those that take the same, one after the other."""
        return tuple(each.shape for each in self.order)

    def candidate(self, node_name: str, places: Sequence[int]) -> Candidate:
        victims = _by_importance(self.order[place] for place in places)
        return Candidate(node_name, tuple(victims), sum(each.uid in self._violating for each in victims))


def _is_judged_by_room(info: PodInfo, nodes: Snapshot, profile: Profile, rows: NDArray[np.int64]) -> bool:
    """Whether of what changes when pods go only the room counts. What does not change lets all of the rows pass."""
    if not _passes(info, nodes, profile, rows):
        return False
    changing = (Follows.LOAD, Follows.CLUSTER)
    filters = (plugin for plugin in profile.filters if plugin.follows in changing)
    return all(plugin.filter(info, nodes, rows) is None for plugin in filters)


def _passes(info: PodInfo, nodes: Snapshot, profile: Profile, rows: NDArray[np.int64]) -> bool:
    verdicts = (each.filter(info, nodes, rows) for each in profile.filters if each.follows is Follows.NODE)
    return not any(verdict is not None and verdict.codes.any() for verdict in verdicts)


def _tried(info: PodInfo, nodes: Snapshot, profile: Profile, lower: Sequence[_Lower]) -> dict[int, Going]:
    """By row. Pods are taken off the snapshot to see what that changes; it is as before in the end."""
    rows = np.array([each.row for each in lower], np.int64)
    with nodes.trying():
        try:
            for each in lower:
                for pod in each.order:
                    nodes.remove_pod(pod.uid)
            fit = fits(info, nodes, profile, rows)
            going = _going(info, nodes, profile, [each for each, fitting in zip(lower, fit, strict=True) if fitting])
        finally:
            for each in lower:
                for pod in each.order:
                    nodes.place(pod, nodes.names[each.row])
    return {each.row: tuple(going[each.row]) if each.row in going else None for each in lower}


def _going(info: PodInfo, nodes: Snapshot, profile: Profile, lower: Sequence[_Lower]) -> dict[int, list[int]]:
    """Of rows that fit the pod now, the places of those that cannot be put back beside it."""
    going: dict[int, list[int]] = {each.row: [] for each in lower}
    for turn in range(max((len(each.order) for each in lower), default=0)):
        returned = [each for each in lower if turn < len(each.order)]
        for each in returned:
            nodes.place(each.order[turn], nodes.names[each.row])
        fit = fits(info, nodes, profile, np.array([each.row for each in returned], np.int64))
        for each, fitting in zip(returned, fit, strict=True):
            if not fitting:
                nodes.remove_pod(each.order[turn].uid)
                going[each.row].append(turn)
    return going


def _by_importance(infos: Iterable[PodInfo]) -> list[PodInfo]:
    """Higher priority first, and of equals the one that runs longer."""
    return sorted(infos, key=lambda info: (-info.pod.spec.priority, _started(info)))


def _started(info: PodInfo) -> int:
    """Nanoseconds; a pod that has not been started yet is younger than any other."""
    started = info.pod.status.startTime
    return started.seconds * 10**9 + started.nanos if info.pod.status.HasField("startTime") else _NOT_STARTED
