"""DefaultPreemption: which less important pods make room for a pod that fits nowhere, and on which node. No I/O.

https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from master.scheduler.budgets import Budgets
from master.scheduler.plugins.protocol import Follows
from master.scheduler.podinfo import PodInfo
from master.scheduler.profile import Profile
from master.scheduler.schedule import Decision, fits
from master.scheduler.snapshot import Snapshot
from podlab.api.objects import condition

NO_VICTIMS = "No preemption victims found for incoming pod"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
# No more nodes are compared than the larger of these, as Kubernetes does (minCandidateNodes...).
CANDIDATES_SHARE, CANDIDATES_LEAST = 0.1, 100
# Where nodes have to be tried one by one, because what stands on one counts for others.
CANDIDATES_ALONE = 32
_NOT_STARTED = 1 << 62


@dataclass(frozen=True)
class Candidate:
    """A node, and who would have to go there, most important first; `violations` of them break a budget."""

    node_name: str
    victims: tuple[PodInfo, ...]
    violations: int = 0


@dataclass(frozen=True)
class Preemption:
    """What was considered; `chosen` is None when nothing helps, and `message` tells why.

    `is_under_way` says that room is being made already, and only has to come free.
    """

    chosen: Candidate | None = None
    considered: Sequence[Candidate] = ()
    message: str = ""
    is_under_way: bool = False


def preempt(info: PodInfo, nodes: Snapshot, decision: Decision, budgets: Budgets, *, nominated: str = "") -> Preemption:
    """`decision` is that the pod fits nowhere; `nominated` is the node on which room is being made for it already.

    Pods are taken off the snapshot to see what that would change; it is as before in the end.
    """
    if info.pod.spec.preemptionPolicy == "Never":
        return Preemption(message="preemption: not eligible due to preemptionPolicy=Never.")
    if nominated and any(_goes_for(info, other) for other in nodes.pods_on(nominated)):
        told = "preemption: not eligible due to a terminating pod on the nominated node."
        return Preemption(message=told, is_under_way=True)
    helped = decision.helped_by_room()
    found = _candidates(info, nodes, decision.profile, helped, budgets)
    if found:
        return Preemption(chosen=min(found, key=preference), considered=found)
    return Preemption(message=_message(nodes.count, len(helped)))


def preference(candidate: Candidate) -> tuple[int, int, int, int, int]:
    """The least is the best: fewest broken budgets, least important victims, fewest, latest started."""
    priorities = [victim.pod.spec.priority for victim in candidate.victims]
    highest = priorities[0]
    started = min(_started(victim) for victim in candidate.victims if victim.pod.spec.priority == highest)
    # As Kubernetes does, each priority is made positive, so that more victims are a larger sum.
    total = sum(priority + (1 << 31) for priority in priorities)
    return candidate.violations, highest, total, len(priorities), -started


def by_importance(infos: Iterable[PodInfo]) -> list[PodInfo]:
    """Higher priority first, and of equals the one that runs longer."""
    return sorted(infos, key=lambda info: (-info.pod.spec.priority, _started(info)))


def _candidates(
    info: PodInfo, nodes: Snapshot, profile: Profile, rows: NDArray[np.int64], budgets: Budgets
) -> list[Candidate]:
    """At most as many as are worth comparing, from a place in the order of nodes that the pod's uid decides."""
    if not len(rows):
        return []
    alone = _is_judged_by_neighbours(info, nodes, profile, rows)
    limit = CANDIDATES_ALONE if alone else max(CANDIDATES_LEAST, int(CANDIDATES_SHARE * nodes.count))
    turn = random.Random(info.uid).randrange(len(rows))  # noqa: S311 - fairness, not secrecy
    rows = np.roll(rows, -turn)
    found: list[Candidate] = []
    for begin in range(0, len(rows), 1 if alone else limit):
        found += _victims(info, nodes, profile, rows[begin : begin + (1 if alone else limit)], budgets)
        if len(found) >= limit:
            break
    return found


def _is_judged_by_neighbours(info: PodInfo, nodes: Snapshot, profile: Profile, rows: NDArray[np.int64]) -> bool:
    return any(
        plugin.follows is Follows.CLUSTER and plugin.filter(info, nodes, rows) is not None for plugin in profile.filters
    )


def _victims(
    info: PodInfo, nodes: Snapshot, profile: Profile, rows: NDArray[np.int64], budgets: Budgets
) -> list[Candidate]:
    """For each row that fits the pod once all less important pods are gone: those that cannot stay.

    All rows are tried at once: one pod of each is put back at a time, and taken off again where that leaves no room.
    """
    lower = {int(row): _less_important(info, nodes.pods_on(nodes.names[row])) for row in rows}
    rows = np.array([row for row, pods in lower.items() if pods], np.int64)
    if not len(rows):
        return []
    violating = {int(row): budgets.violating(by_importance(lower[row])) for row in rows}
    for row in rows:
        for pod in lower[row]:
            nodes.remove_pod(pod.uid)
    try:
        # Those whose going would break a budget are the first to stay.
        order = {
            row: sorted(by_importance(lower[row]), key=lambda pod: pod.uid not in at) for row, at in violating.items()
        }
        going = _going(info, nodes, profile, rows, order)
    finally:
        for row in rows:
            for pod in lower[row]:
                nodes.place(pod, nodes.names[row])
    return [
        Candidate(nodes.names[row], tuple(by_importance(pods)), sum(pod.uid in violating[row] for pod in pods))
        for row, pods in going.items()
        if pods
    ]


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


def _goes_for(info: PodInfo, other: PodInfo) -> bool:
    """Whether it is a less important pod that is ending, because a preemption asked it to."""
    pod = other.pod
    if not pod.metadata.HasField("deletionTimestamp") or pod.spec.priority >= info.pod.spec.priority:
        return False
    told = condition(pod.status.conditions, "DisruptionTarget")
    return told is not None and told.status == "True" and told.reason == "PreemptionByScheduler"


def _started(info: PodInfo) -> int:
    """Nanoseconds; a pod that has not been started yet is younger than any other."""
    started = info.pod.status.startTime
    return started.seconds * 10**9 + started.nanos if info.pod.status.HasField("startTime") else _NOT_STARTED


def _message(count: int, helped: int) -> str:
    parts = [f"{helped} {NO_VICTIMS}"] * bool(helped) + [f"{count - helped} {NOT_HELPFUL}"] * bool(count - helped)
    told = ", ".join(sorted(parts))
    return f"preemption: 0/{count} nodes are available: {told}."
