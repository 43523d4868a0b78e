"""DefaultPreemption: on which node less important pods can make room for a pod that fits on no node.

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

from master.scheduler.algorithm.schedule_pod import ScheduleResult
from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config.profile import Profile
from master.scheduler.plugins.default_preemption import DefaultPreemption
from master.scheduler.plugins.protocol import Follows
from master.scheduler.preemption.disruption_budgets import DisruptionBudgets
from master.scheduler.preemption.victims import Candidate, DryRun, Harm
from podlab.api.objects import condition

NO_VICTIMS = "No preemption victims found for incoming pod"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
# The limit where nodes have to be tried one by one, because the pods on one count for others.
CANDIDATES_ALONE = 32
# At least so many nodes are tried together.
TRIED_TOGETHER = 8
SHAPES_REMEMBERED = 32


@dataclass(frozen=True)
class PreemptionResult:
    """`chosen` is the best of the `candidates`; None when no pod is to be evicted now, for what `message` says.

    `victims` are the uids of the pods to wait for: those of the chosen node, or those that are terminating already.
    """

    chosen: Candidate | None = None
    candidates: Sequence[Candidate] = ()
    message: str = ""
    victims: Sequence[str] = ()


class _TriedNodes:
    """The rows that were tried, and the candidates among them. `basis` is equal while the results hold."""

    def __init__(self, basis: Hashable, size: int) -> None:
        self.basis = basis
        self.change = 0
        self.dry_run = DryRun()
        self.found: dict[int, Candidate] = {}
        self._is_tried: NDArray[np.bool_] = np.zeros(size, np.bool_)
        self._by_harm: list[tuple[Harm, int, int, Candidate]] = []
        self._numbers = itertools.count()

    def untried(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return rows[~self._is_tried[rows]]

    def add(self, rows: NDArray[np.int64], found: Mapping[int, Candidate]) -> None:
        """Takes in the candidates among these rows, which were tried."""
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
        """The rows changed: what was found there is void."""
        self._is_tried[rows] = False
        for row in rows.tolist():
            self.found.pop(row, None)

    def best(self) -> Candidate | None:
        """The candidate with the least harm; of equals the one that was found first."""
        while self._by_harm:
            *_, row, candidate = self._by_harm[0]
            if self.found.get(row) is candidate:
                return candidate
            heapq.heappop(self._by_harm)
        return None


class Evaluator:
    """Keeps what it found for pods of a shape, and tries only nodes again where pods came or went."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, _TriedNodes] = OrderedDict()

    def preempt(
        self,
        info: PodInfo,
        nodes: Snapshot,
        result: ScheduleResult,
        budgets: DisruptionBudgets,
        plugin: DefaultPreemption,
        *,
        shape: Hashable,
        nominated_node: str,
    ) -> PreemptionResult:
        """Looks for victims. `result` is that the pod fits on no node, `nominated_node` where it is nominated to.

        `shape` is equal for pods that get equal results.
        """
        if info.pod.spec.preemptionPolicy == "Never":
            return PreemptionResult(message="preemption: not eligible due to preemptionPolicy=Never.")
        if not nodes.count:
            return PreemptionResult()
        rows = result.preemption_candidates()
        if terminating := _terminating_victims(info, nodes, nominated_node, rows):
            message = "preemption: not eligible due to a terminating pod on the nominated node."
            return PreemptionResult(message=message, victims=terminating)
        limit = plugin.candidates(len(rows))
        if len(rows) and _depends_on_other_nodes(info, nodes, result.profile, rows):
            known = _one_by_one(info, nodes, result.profile, rows, budgets, min(limit, CANDIDATES_ALONE))
        else:
            known = self._tried(shape, nodes, budgets)
            _all_at_once(known, info, nodes, result.profile, rows, budgets, limit)
        chosen = known.best()
        if chosen is None:
            return PreemptionResult(message=_message(nodes.count, len(rows)))
        return PreemptionResult(chosen, [*known.found.values()], victims=[victim.uid for victim in chosen.victims])

    def _tried(self, shape: Hashable, nodes: Snapshot, budgets: DisruptionBudgets) -> _TriedNodes:
        basis = nodes.epoch, nodes.storage.changes, budgets
        known = self._known.pop(shape, None)
        changed = nodes.changed_since(known.change) if known is not None else None
        if known is None or known.basis != basis or changed is None:
            known = _TriedNodes(basis, nodes.size)
        else:
            known.forget(changed)
        known.change = nodes.changes
        self._known[shape] = known
        if len(self._known) > SHAPES_REMEMBERED:
            self._known.popitem(last=False)
        return known


def _all_at_once(
    known: _TriedNodes,
    info: PodInfo,
    nodes: Snapshot,
    profile: Profile,
    rows: NDArray[np.int64],
    budgets: DisruptionBudgets,
    limit: int,
) -> None:
    """Tries rows until there are enough candidates."""
    if len(known.found) >= limit:
        return
    untried = _rotated(known.untried(rows), info)
    while len(untried) and len(known.found) < limit:
        count = max(TRIED_TOGETHER, limit - len(known.found))
        now, untried = untried[:count], untried[count:]
        known.add(now, known.dry_run.candidates(info, nodes, profile, now, budgets))


def _one_by_one(
    info: PodInfo, nodes: Snapshot, profile: Profile, rows: NDArray[np.int64], budgets: DisruptionBudgets, limit: int
) -> _TriedNodes:
    """Tries rows until there are enough candidates. What is found holds for this pod alone."""
    known = _TriedNodes(None, nodes.size)
    rotated = _rotated(rows, info)
    for place in range(len(rotated)):
        now = rotated[place : place + 1]
        known.add(now, known.dry_run.candidates(info, nodes, profile, now, budgets))
        if len(known.found) >= limit:
            break
    return known


def _rotated(rows: NDArray[np.int64], info: PodInfo) -> NDArray[np.int64]:
    """The rows from a place on that the pod's uid decides, so that not always the same nodes are tried first."""
    if not len(rows):
        return rows
    begin = random.Random(info.uid).randrange(len(rows))  # noqa: S311 - fairness, not secrecy
    return np.concatenate((rows[begin:], rows[:begin]))


def _depends_on_other_nodes(info: PodInfo, nodes: Snapshot, profile: Profile, rows: NDArray[np.int64]) -> bool:
    return any(
        plugin.follows is Follows.CLUSTER and plugin.filter(info, nodes, rows) is not None for plugin in profile.filters
    )


def _terminating_victims(
    info: PodInfo, nodes: Snapshot, nominated_node: str, candidates: NDArray[np.int64]
) -> list[str]:
    """The pods that are leaving the nominated node already; none when that does not help any more."""
    row = nodes.row(nominated_node)
    if row is None or row not in candidates:
        return []
    return [other.uid for other in nodes.pods_on(nominated_node) if _is_terminating_victim(info, other)]


def _is_terminating_victim(info: PodInfo, other: PodInfo) -> bool:
    """Whether it is a less important pod that is terminating because it was preempted."""
    pod = other.pod
    if not pod.metadata.HasField("deletionTimestamp") or pod.spec.priority >= info.pod.spec.priority:
        return False
    disrupted = condition(pod.status.conditions, "DisruptionTarget")
    return disrupted is not None and disrupted.status == "True" and disrupted.reason == "PreemptionByScheduler"


def _message(count: int, candidates: int) -> str:
    parts = [f"{candidates} {NO_VICTIMS}"] * bool(candidates)
    parts += [f"{count - candidates} {NOT_HELPFUL}"] * bool(count - candidates)
    return f"preemption: 0/{count} nodes are available: {', '.join(sorted(parts))}."
