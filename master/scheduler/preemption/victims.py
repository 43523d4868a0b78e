"""Which less important pods a preemption would evict from a node, and how much harm that does.

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
from master.scheduler.preemption.disruption_budgets import DisruptionBudgets

_NOT_STARTED = 1 << 62
OUTCOMES_REMEMBERED = 4096


Harm = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class Candidate:
    """A node and its victims, most important first; `violations` of them violate a budget."""

    node_name: str
    victims: tuple[PodInfo, ...]
    violations: int = 0

    @cached_property
    def harm(self) -> Harm:
        """The least is best: fewest violations, least important victims, fewest victims, latest start."""
        priorities = [victim.pod.spec.priority for victim in self.victims]
        highest = priorities[0]
        started = min(_started(victim) for victim in self.victims if victim.pod.spec.priority == highest)
        # As Kubernetes does, each priority is made positive, so that more victims are a larger sum.
        total = sum(priority + (1 << 31) for priority in priorities)
        return self.violations, highest, total, len(priorities), -started


VictimPlaces = tuple[int, ...] | None
"""The places of the victims in `_PotentialVictims.order`; None where the pod does not fit even without all of them."""


class DryRun:
    """Finds victims by trying what fits without them. For nodes that are alike the outcome is kept."""

    def __init__(self) -> None:
        self._known: dict[Hashable, VictimPlaces] = {}

    def candidates(
        self, info: PodInfo, nodes: Snapshot, profile: Profile, rows: NDArray[np.int64], budgets: DisruptionBudgets
    ) -> dict[int, Candidate]:
        """A candidate for each row that fits the pod once all less important pods are gone.

        All rows are tried at once: what fits on one must not depend on the pods of another.
        """
        found = [_PotentialVictims(int(row), info, nodes, budgets) for row in rows]
        tried = [each for each in found if each.order]
        if not tried:
            return {}
        if len(self._known) > OUTCOMES_REMEMBERED:
            self._known.clear()
        by_resources = _depends_on_resources_alone(
            info, nodes, profile, np.array([each.row for each in tried], np.int64)
        )
        keys: dict[int, Hashable] = {
            each.row: (nodes.resources.fingerprint(each.row), each.shapes) if by_resources else each.row
            for each in tried
        }
        known = self._known if by_resources else {}
        new = {keys[each.row]: each for each in tried if keys[each.row] not in known}
        outcomes = _outcomes(info, nodes, profile, [*new.values()]) if new else {}
        known |= {key: outcomes[each.row] for key, each in new.items()}
        victims = {each.row: (each, known[keys[each.row]]) for each in tried}
        return {row: each.candidate(nodes.names[row], places) for row, (each, places) in victims.items() if places}


class _PotentialVictims:
    """The less important pods on a row, in the order in which they are put back.

    Those whose eviction would violate a budget come first, then the most important.
    """

    def __init__(self, row: int, info: PodInfo, nodes: Snapshot, budgets: DisruptionBudgets) -> None:
        self.row = row
        priority = info.pod.spec.priority
        lower = _by_importance(each for each in nodes.pods_on(nodes.names[row]) if each.pod.spec.priority < priority)
        self._violating = budgets.violating(lower)
        self.order = sorted(lower, key=lambda each: each.uid not in self._violating) if self._violating else lower

    @property
    def shapes(self) -> Hashable:
        """Equal for pods that request the same, one after the other."""
        return tuple(each.shape for each in self.order)

    def candidate(self, node_name: str, places: Sequence[int]) -> Candidate:
        victims = _by_importance(self.order[place] for place in places)
        return Candidate(node_name, tuple(victims), sum(each.uid in self._violating for each in victims))


def _depends_on_resources_alone(info: PodInfo, nodes: Snapshot, profile: Profile, rows: NDArray[np.int64]) -> bool:
    """Whether only resources decide once pods are gone, because all other filters let the rows pass."""
    if not _pass_by_node(info, nodes, profile, rows):
        return False
    changing = (Follows.LOAD, Follows.CLUSTER)
    filters = (plugin for plugin in profile.filters if plugin.follows in changing)
    return all(plugin.filter(info, nodes, rows) is None for plugin in filters)


def _pass_by_node(info: PodInfo, nodes: Snapshot, profile: Profile, rows: NDArray[np.int64]) -> bool:
    refusals = (each.filter(info, nodes, rows) for each in profile.filters if each.follows is Follows.NODE)
    return not any(each is not None and each.codes.any() for each in refusals)


def _outcomes(
    info: PodInfo, nodes: Snapshot, profile: Profile, tried: Sequence[_PotentialVictims]
) -> dict[int, VictimPlaces]:
    """The victims by row. Pods are taken out of the snapshot and put back; in the end it is as before."""
    rows = np.array([each.row for each in tried], np.int64)
    with nodes.simulation():
        try:
            for each in tried:
                for pod in each.order:
                    nodes.remove_pod(pod.uid)
            fit = fits(info, nodes, profile, rows)
            places = _victim_places(
                info, nodes, profile, [each for each, fitting in zip(tried, fit, strict=True) if fitting]
            )
        finally:
            for each in tried:
                for pod in each.order:
                    nodes.add_pod(pod, nodes.names[each.row])
    return {each.row: tuple(places[each.row]) if each.row in places else None for each in tried}


def _victim_places(
    info: PodInfo, nodes: Snapshot, profile: Profile, tried: Sequence[_PotentialVictims]
) -> dict[int, list[int]]:
    """On rows that fit the pod now, the places of the pods that do not fit beside it when put back."""
    places: dict[int, list[int]] = {each.row: [] for each in tried}
    for turn in range(max((len(each.order) for each in tried), default=0)):
        returned = [each for each in tried if turn < len(each.order)]
        for each in returned:
            nodes.add_pod(each.order[turn], nodes.names[each.row])
        fit = fits(info, nodes, profile, np.array([each.row for each in returned], np.int64))
        for each, fitting in zip(returned, fit, strict=True):
            if not fitting:
                nodes.remove_pod(each.order[turn].uid)
                places[each.row].append(turn)
    return places


def _by_importance(infos: Iterable[PodInfo]) -> list[PodInfo]:
    """Higher priority first; of equals the one that started first."""
    return sorted(infos, key=lambda info: (-info.pod.spec.priority, _started(info)))


def _started(info: PodInfo) -> int:
    """When the pod started, in nanoseconds. A pod that has not started counts as the youngest."""
    started = info.pod.status.startTime
    return started.seconds * 10**9 + started.nanos if info.pod.status.HasField("startTime") else _NOT_STARTED
