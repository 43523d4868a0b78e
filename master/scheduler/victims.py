"""Which less important pods would have to go from a node, and which node is left with the least harm. No I/O.

The order of choice is Kubernetes'
(https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from master.scheduler.budgets import Budgets
from master.scheduler.podinfo import PodInfo
from master.scheduler.profile import Profile
from master.scheduler.schedule import fits
from master.scheduler.snapshot import Snapshot

_NOT_STARTED = 1 << 62


@dataclass(frozen=True)
class Candidate:
    """A node, and who would have to go there, most important first; `violations` of them break a budget."""

    node_name: str
    victims: tuple[PodInfo, ...]
    violations: int = 0

    @cached_property
    def harm(self) -> tuple[int, int, int, int, int]:
        """The least is the best: fewest broken budgets, least important victims, fewest, latest started."""
        priorities = [victim.pod.spec.priority for victim in self.victims]
        highest = priorities[0]
        started = min(_started(victim) for victim in self.victims if victim.pod.spec.priority == highest)
        # As Kubernetes does, each priority is made positive, so that more victims are a larger sum.
        total = sum(priority + (1 << 31) for priority in priorities)
        return self.violations, highest, total, len(priorities), -started


def candidates(
    info: PodInfo, nodes: Snapshot, profile: Profile, rows: NDArray[np.int64], budgets: Budgets
) -> dict[int, Candidate]:
    """For each row that fits the pod once all less important pods are gone: those that cannot stay.

    Pods are taken off the snapshot to see what that changes; it is as before in the end. All rows are tried at once:
    what fits one must not depend on what stands on another.
    """
    lower = {int(row): _less_important(info, nodes.pods_on(nodes.names[row])) for row in rows}
    rows = np.array([row for row, pods in lower.items() if pods], np.int64)
    if not len(rows):
        return {}
    violating = {int(row): budgets.violating(_by_importance(lower[row])) for row in rows}
    # Those whose going would break a budget are the first to stay.
    order = {
        row: sorted(_by_importance(lower[row]), key=lambda pod: pod.uid not in uids) for row, uids in violating.items()
    }
    with nodes.trying():
        try:
            for row in rows:
                for pod in lower[row]:
                    nodes.remove_pod(pod.uid)
            going = _going(info, nodes, profile, rows, order)
        finally:
            for row in rows:
                for pod in lower[row]:
                    nodes.place(pod, nodes.names[row])
    return {
        row: Candidate(nodes.names[row], tuple(_by_importance(pods)), sum(pod.uid in violating[row] for pod in pods))
        for row, pods in going.items()
        if pods
    }


def _going(
    info: PodInfo, nodes: Snapshot, profile: Profile, rows: NDArray[np.int64], order: dict[int, list[PodInfo]]
) -> dict[int, list[PodInfo]]:
    """Of the rows that fit the pod now, those that cannot be put back beside it."""
    going: dict[int, list[PodInfo]] = {int(row): [] for row in rows[fits(info, nodes, profile, rows)]}
    for turn in range(max((len(order[row]) for row in going), default=0)):
        returned = np.array([row for row in going if turn < len(order[row])], np.int64)
        for row in returned:
            nodes.place(order[row][turn], nodes.names[row])
        for row in returned[~fits(info, nodes, profile, returned)]:
            nodes.remove_pod(order[row][turn].uid)
            going[int(row)].append(order[row][turn])
    return going


def _less_important(info: PodInfo, others: Iterable[PodInfo]) -> list[PodInfo]:
    return [other for other in others if other.pod.spec.priority < info.pod.spec.priority]


def _by_importance(infos: Iterable[PodInfo]) -> list[PodInfo]:
    """Higher priority first, and of equals the one that runs longer."""
    return sorted(infos, key=lambda info: (-info.pod.spec.priority, _started(info)))


def _started(info: PodInfo) -> int:
    """Nanoseconds; a pod that has not been started yet is younger than any other."""
    started = info.pod.status.startTime
    return started.seconds * 10**9 + started.nanos if info.pod.status.HasField("startTime") else _NOT_STARTED
