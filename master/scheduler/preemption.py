"""DefaultPreemption: whether less important pods can make room for a pod that fits nowhere, and where. No I/O.

https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from master.scheduler.budgets import Budgets
from master.scheduler.plugins.protocol import Follows
from master.scheduler.podinfo import PodInfo
from master.scheduler.profile import Profile
from master.scheduler.schedule import Decision
from master.scheduler.snapshot import Snapshot
from master.scheduler.victims import Candidate, candidates
from podlab.api.objects import condition

NO_VICTIMS = "No preemption victims found for incoming pod"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
# No more nodes are compared than the larger of these (minCandidateNodesPercentage, minCandidateNodesAbsolute).
CANDIDATES_SHARE, CANDIDATES_LEAST = 0.1, 100
# Where nodes have to be tried one by one, because what stands on one counts for others.
CANDIDATES_ALONE = 32
# So many are tried together at least.
TRIED_TOGETHER = 8
SHAPES_REMEMBERED = 32


@dataclass(frozen=True)
class Preemption:
    """What was considered; `chosen` is None when nobody is asked to go now, and `message` tells why.

    `victims` are the uids of those that go: of the node that is chosen, or because they were asked to before.
    """

    chosen: Candidate | None = None
    considered: Sequence[Candidate] = ()
    message: str = ""
    victims: Sequence[str] = ()


@dataclass
class _Known:
    """Of the rows that were tried, those with victims. It holds for rows that have not changed since."""

    basis: Hashable
    tried: NDArray[np.bool_]
    change: int = 0
    found: dict[int, Candidate] = field(default_factory=dict)


class Preemptor:
    """Keeps what it found for pods of a shape, and tries again only nodes where pods came or went."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, _Known] = OrderedDict()

    def preempt(
        self, info: PodInfo, nodes: Snapshot, decision: Decision, budgets: Budgets, *, shape: Hashable, nominated: str
    ) -> Preemption:
        """`decision` is that the pod fits nowhere; `nominated` is where room is being made for it already, if anywhere.

        `shape` is equal for pods of which any verdict is true of all.
        """
        if info.pod.spec.preemptionPolicy == "Never":
            return Preemption(message="preemption: not eligible due to preemptionPolicy=Never.")
        helped = decision.helped_by_room()
        if going := _going_for(info, nodes, nominated, helped):
            told = "preemption: not eligible due to a terminating pod on the nominated node."
            return Preemption(message=told, victims=going)
        if len(helped) and _is_judged_by_neighbours(info, nodes, decision.profile, helped):
            found = _one_by_one(info, nodes, decision.profile, helped, budgets)
        else:
            found = self._all_at_once(info, nodes, decision.profile, helped, budgets, shape)
        if found:
            chosen = min(found, key=lambda each: each.harm)
            return Preemption(chosen, found, victims=[victim.uid for victim in chosen.victims])
        return Preemption(message=_message(nodes.count, len(helped)))

    def _all_at_once(
        self,
        info: PodInfo,
        nodes: Snapshot,
        profile: Profile,
        rows: NDArray[np.int64],
        budgets: Budgets,
        shape: Hashable,
    ) -> list[Candidate]:
        known = self._about(shape, nodes, budgets)
        limit = max(CANDIDATES_LEAST, int(CANDIDATES_SHARE * nodes.count))
        untried = _turned(rows[~known.tried[rows]], info)
        while len(untried) and len(known.found) < limit:
            count = max(TRIED_TOGETHER, limit - len(known.found))
            now, untried = untried[:count], untried[count:]
            known.tried[now] = True
            known.found |= candidates(info, nodes, profile, now, budgets)
        known.change = nodes.changes
        return list(known.found.values())

    def _about(self, shape: Hashable, nodes: Snapshot, budgets: Budgets) -> _Known:
        basis = nodes.epoch, nodes.storage.changes, budgets
        known = self._known.pop(shape, None)
        changed = nodes.changed_since(known.change) if known is not None else None
        if known is None or known.basis != basis or changed is None:
            known = _Known(basis, np.zeros(nodes.size, np.bool_))
        else:
            known.tried[changed] = False
            for row in changed.tolist():
                known.found.pop(row, None)
        self._known[shape] = known
        if len(self._known) > SHAPES_REMEMBERED:
            self._known.popitem(last=False)
        return known


def _one_by_one(
    info: PodInfo, nodes: Snapshot, profile: Profile, rows: NDArray[np.int64], budgets: Budgets
) -> list[Candidate]:
    found: list[Candidate] = []
    turned = _turned(rows, info)
    for place in range(len(turned)):
        found += candidates(info, nodes, profile, turned[place : place + 1], budgets).values()
        if len(found) >= CANDIDATES_ALONE:
            break
    return found


def _turned(rows: NDArray[np.int64], info: PodInfo) -> NDArray[np.int64]:
    """From a place on that the pod's uid decides, so that not always the same nodes are tried first."""
    if not len(rows):
        return rows
    return np.roll(rows, -random.Random(info.uid).randrange(len(rows)))  # noqa: S311 - fairness, not secrecy


def _is_judged_by_neighbours(info: PodInfo, nodes: Snapshot, profile: Profile, rows: NDArray[np.int64]) -> bool:
    return any(
        plugin.follows is Follows.CLUSTER and plugin.filter(info, nodes, rows) is not None for plugin in profile.filters
    )


def _going_for(info: PodInfo, nodes: Snapshot, nominated: str, helped: NDArray[np.int64]) -> list[str]:
    """Who is making room on the nominated node already; nobody when room there does not help any more."""
    row = nodes.row(nominated)
    if row is None or row not in helped:
        return []
    return [other.uid for other in nodes.pods_on(nominated) if _goes_for(info, other)]


def _goes_for(info: PodInfo, other: PodInfo) -> bool:
    """Whether it is a less important pod that is ending, because a preemption asked it to."""
    pod = other.pod
    if not pod.metadata.HasField("deletionTimestamp") or pod.spec.priority >= info.pod.spec.priority:
        return False
    told = condition(pod.status.conditions, "DisruptionTarget")
    return told is not None and told.status == "True" and told.reason == "PreemptionByScheduler"


def _message(count: int, helped: int) -> str:
    parts = [f"{helped} {NO_VICTIMS}"] * bool(helped) + [f"{count - helped} {NOT_HELPFUL}"] * bool(count - helped)
    told = ", ".join(sorted(parts))
    return f"preemption: 0/{count} nodes are available: {told}."
