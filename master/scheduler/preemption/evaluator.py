"""DefaultPreemption: whether less important pods can make room for a pod that fits nowhere, and where. No I/O.

https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from master.scheduler.algorithm.schedule_pod import Decision
from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config.profile import Profile
from master.scheduler.plugins.default_preemption import DefaultPreemption
from master.scheduler.plugins.protocol import Follows
from master.scheduler.preemption.disruption_budgets import Budgets
from master.scheduler.preemption.victims import Candidate, Harm, Tried
from podlab.api.objects import condition

NO_VICTIMS = "No preemption victims found for incoming pod"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
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


class _Known:
    """Of the rows that were tried, those with victims. It holds for rows that have not changed since."""

    def __init__(self, basis: Hashable, size: int) -> None:
        self.basis = basis
        self.change = 0
        self.tried = Tried()
        self.found: dict[int, Candidate] = {}
        self._is_tried: NDArray[np.bool_] = np.zeros(size, np.bool_)
        self._by_harm: list[tuple[Harm, int, int, Candidate]] = []
        self._numbers = itertools.count()

    def untried(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return rows[~self._is_tried[rows]]

    def add(self, rows: NDArray[np.int64], found: Mapping[int, Candidate]) -> None:
        """These rows were tried."""
        self._is_tried[rows] = True
        self.found |= found
        ordered = [(each.harm, next(self._numbers), row, each) for row, each in found.items()]
        if len(self._by_harm) > 2 * len(self.found):
            ordered += [entry for entry in self._by_harm if self.found.get(entry[2]) is entry[3]]
            heapq.heapify(ordered)
            self._by_harm = ordered
        else:
            for entry in ordered:
                heapq.heappush(self._by_harm, entry)

    def forget(self, rows: NDArray[np.int64]) -> None:
        """What is known of these rows is not true any more."""
        self._is_tried[rows] = False
        for row in rows.tolist():
            self.found.pop(row, None)

    def best(self) -> Candidate | None:
        """The one with the least harm; of equals the one that was found first."""
        while self._by_harm:
            *_, row, candidate = self._by_harm[0]
            if self.found.get(row) is candidate:
                return candidate
            heapq.heappop(self._by_harm)
        return None


class Preemptor:
    """Keeps what it found for pods of a shape, and tries again only nodes where pods came or went."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, _Known] = OrderedDict()

    def preempt(
        self,
        info: PodInfo,
        nodes: Snapshot,
        decision: Decision,
        budgets: Budgets,
        plugin: DefaultPreemption,
        *,
        shape: Hashable,
        nominated: str,
    ) -> Preemption:
        """`decision` is that the pod fits nowhere; `nominated` is where room is being made for it already, if anywhere.

        `shape` is equal for pods of which any verdict is true of all.
        """
        if info.pod.spec.preemptionPolicy == "Never":
            return Preemption(message="preemption: not eligible due to preemptionPolicy=Never.")
        if not nodes.count:
            return Preemption()
        helped = decision.helped_by_room()
        if going := _going_for(info, nodes, nominated, helped):
            told = "preemption: not eligible due to a terminating pod on the nominated node."
            return Preemption(message=told, victims=going)
        limit = plugin.candidates(len(helped))
        if len(helped) and _is_judged_by_neighbours(info, nodes, decision.profile, helped):
            known = _one_by_one(info, nodes, decision.profile, helped, budgets, min(limit, CANDIDATES_ALONE))
        else:
            known = self._about(shape, nodes, budgets)
            _all_at_once(known, info, nodes, decision.profile, helped, budgets, limit)
        chosen = known.best()
        if chosen is None:
            return Preemption(message=_message(nodes.count, len(helped)))
        return Preemption(chosen, [*known.found.values()], victims=[victim.uid for victim in chosen.victims])

    def _about(self, shape: Hashable, nodes: Snapshot, budgets: Budgets) -> _Known:
        basis = nodes.epoch, nodes.storage.changes, budgets
        known = self._known.pop(shape, None)
        changed = nodes.changed_since(known.change) if known is not None else None
        if known is None or known.basis != basis or changed is None:
            known = _Known(basis, nodes.size)
        else:
            known.forget(changed)
        known.change = nodes.changes
        self._known[shape] = known
        if len(self._known) > SHAPES_REMEMBERED:
            self._known.popitem(last=False)
        return known


def _all_at_once(
    known: _Known,
    info: PodInfo,
    nodes: Snapshot,
    profile: Profile,
    rows: NDArray[np.int64],
    budgets: Budgets,
    limit: int,
) -> None:
    """Tries rows until enough are known."""
    if len(known.found) >= limit:
        return
    untried = _turned(known.untried(rows), info)
    while len(untried) and len(known.found) < limit:
        count = max(TRIED_TOGETHER, limit - len(known.found))
        now, untried = untried[:count], untried[count:]
        known.add(now, known.tried.candidates(info, nodes, profile, now, budgets))


def _one_by_one(
    info: PodInfo, nodes: Snapshot, profile: Profile, rows: NDArray[np.int64], budgets: Budgets, limit: int
) -> _Known:
    """What a row is found to need is true of this pod alone."""
    known = _Known(None, nodes.size)
    turned = _turned(rows, info)
    for place in range(len(turned)):
        now = turned[place : place + 1]
        known.add(now, known.tried.candidates(info, nodes, profile, now, budgets))
        if len(known.found) >= limit:
            break
    return known


def _turned(rows: NDArray[np.int64], info: PodInfo) -> NDArray[np.int64]:
    """From a place on that the pod's uid decides, so that not always the same nodes are tried first."""
    if not len(rows):
        return rows
    begin = random.Random(info.uid).randrange(len(rows))  # noqa: S311 - fairness, not secrecy
    return np.concatenate((rows[begin:], rows[:begin]))


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
