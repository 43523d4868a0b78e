"""Which node a pod goes to: a function of the pod and a snapshot, with all that explains its result."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from master.scheduler.algorithm.filter_cache import CachedEvaluation, FilterCache
from master.scheduler.algorithm.node_statuses import FITS, NodeStatuses, present_fit, run_filters
from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.config.profile import Profile
from master.scheduler.plugins.protocol import Follows, Scores

_REFUSED = -1  # the total of a node that does not fit
_SMALL_CODES = 4096


class PluginScores(NamedTuple):
    """The scores of one plugin by row. Those of refused rows have no meaning."""

    plugin: str
    weight: int
    raw: Scores
    normalized: Scores


@dataclass(frozen=True)
class ScheduleResult:
    """`node_name` is empty when no node fits; then `message` says why, in Kubernetes' words.

    All arrays are by row; `names` are the rows' nodes. `scores` lacks the plugins for which all nodes are equal.
    `totals` are the weighted sums, -1 where the pod does not fit.
    """

    profile: Profile
    node_name: str
    message: str
    names: Sequence[str]
    statuses: NodeStatuses
    scores: Sequence[PluginScores]
    totals: Scores

    @property
    def evaluated(self) -> NDArray[np.int64]:
        """The rows of the nodes that there were."""
        return np.flatnonzero(self.statuses.filters >= FITS)

    @property
    def feasible(self) -> NDArray[np.int64]:
        """The rows of the nodes that the pod fits on."""
        return np.flatnonzero(self.statuses.filters == FITS)

    @property
    def best(self) -> NDArray[np.int64]:
        """The rows with the highest total, of which one was drawn; none when the pod fits on no node."""
        return _best(self.totals)

    @property
    def unschedulable_plugins(self) -> frozenset[str]:
        """The plugins that refused nodes."""
        filters = self.statuses.filters
        return frozenset(self.profile.filters[index].name for index in _counted(filters[filters > FITS]))

    def reasons(self, row: int) -> tuple[str, ...]:
        """Why the node of the row refuses the pod; empty when it does not."""
        index = int(self.statuses.filters[row])
        return self.statuses.refusals[index].reasons[int(self.statuses.codes[row])] if index > FITS else ()

    def preemption_candidates(self) -> NDArray[np.int64]:
        """The rows that refuse the pod because of the pods on them, so that preemption may help."""
        statuses = self.statuses
        found = np.zeros(len(statuses.filters), np.bool_)
        for index, refusals in statuses.refusals.items():
            here = statuses.filters == index
            for code in _counted(statuses.codes[here]):
                if code not in refusals.final:
                    found |= here & (statuses.codes == code)
        return np.flatnonzero(found)


def schedule_pod(
    info: PodInfo,
    nodes: Snapshot,
    profile: Profile,
    cache: FilterCache,
    *,
    also_refused: NodeStatuses | None = None,
) -> ScheduleResult:
    """Filters and scores all nodes, and chooses one.

    Among equals the pod's uid chooses, so a result can be reproduced. `cache` saves work and changes no result.
    `also_refused` are statuses from another look at the nodes: what they refuse is refused too.
    """
    evaluation = cache.get(info, nodes, profile)
    statuses = run_filters(evaluation.statuses, Follows.CLUSTER, info, nodes, profile=profile, rows=nodes.all)
    if also_refused is not None:
        statuses = also_refused.then(statuses)
    scores, totals = _score(info, nodes, profile, evaluation, statuses)
    best = _best(totals)
    chosen = int(best[zlib.crc32(info.uid.encode()) % len(best)]) if len(best) else None
    return ScheduleResult(
        profile=profile,
        node_name="" if chosen is None else nodes.names[chosen],
        message="" if chosen is not None else _message(nodes.count, statuses),
        names=nodes.names,
        statuses=statuses,
        scores=scores,
        totals=totals,
    )


def fits(info: PodInfo, nodes: Snapshot, profile: Profile, rows: Rows) -> NDArray[np.bool_]:
    """Which of these rows the pod fits on as they are now. Nothing is taken from a cache."""
    statuses = present_fit(nodes, rows)
    for follows in Follows:
        statuses = run_filters(statuses, follows, info, nodes, profile=profile, rows=rows)
    return np.equal(statuses.filters, FITS)


def _score(
    info: PodInfo, nodes: Snapshot, profile: Profile, evaluation: CachedEvaluation, statuses: NodeStatuses
) -> tuple[list[PluginScores], Scores]:
    """The scores of each plugin, and the totals."""
    fit = np.equal(statuses.filters, FITS)
    feasible: Rows = nodes.all if fit.all() else np.flatnonzero(fit)
    if not isinstance(feasible, slice) and not len(feasible):
        return [], np.full(nodes.size, _REFUSED, np.int64)
    totals = evaluation.total.copy()
    scores: list[PluginScores] = []
    for place, each in enumerate(profile.scores):
        plugin = each.plugin
        raw = evaluation.raw.get(place)
        if plugin.follows is Follows.CLUSTER:
            raw = _at_rows(plugin.score(info, nodes, feasible), feasible, nodes.size)
        if raw is None:
            continue
        normalized = raw
        if plugin.normalize is not None:
            normalized = _at_rows(plugin.normalize(raw[feasible]), feasible, nodes.size)
        if plugin.normalize is not None or plugin.follows is Follows.CLUSTER:
            totals += each.weight * normalized
        scores.append(PluginScores(plugin.name, each.weight, raw, normalized))
    if not isinstance(feasible, slice):
        totals[~fit] = _REFUSED
    return scores, totals


@overload
def _at_rows(scores: Scores, rows: Rows, size: int) -> Scores: ...
@overload
def _at_rows(scores: Scores | None, rows: Rows, size: int) -> Scores | None: ...
def _at_rows(scores: Scores | None, rows: Rows, size: int) -> Scores | None:
    """An array of `size` with each score at its row."""
    if scores is None or isinstance(rows, slice):
        return scores
    found = np.zeros(size, np.int64)
    found[rows] = scores
    return found


def _best(totals: Scores) -> NDArray[np.int64]:
    highest = totals.max(initial=_REFUSED)
    return np.flatnonzero(totals == highest) if highest >= 0 else np.zeros(0, np.int64)


def _counted(codes: NDArray[np.integer]) -> dict[int, int]:
    """How often each code occurs. Small codes, which most are, need no sorting."""
    if len(codes) and codes.min() >= 0 and codes.max() < _SMALL_CODES:
        counts = np.bincount(codes)
        return {code: int(counts[code]) for code in np.flatnonzero(counts).tolist()}
    found, times = np.unique(codes, return_counts=True)
    return dict(zip(found.tolist(), times.tolist(), strict=True))


def _message(count: int, statuses: NodeStatuses) -> str:
    if count == 0:
        return "no nodes available to schedule pods"
    whole = next((refusals.whole for refusals in statuses.refusals.values() if refusals.whole), "")
    if whole:
        return f"0/{count} nodes are available: {whole}."
    reasons: Counter[str] = Counter()
    for index, refusals in statuses.refusals.items():
        for code, times in _counted(statuses.codes[statuses.filters == index]).items():
            for reason in refusals.reasons[code]:
                reasons[reason] += times
    summary = sorted(f"{times} {reason}" for reason, times in reasons.items())
    return f"0/{count} nodes are available: {', '.join(summary)}."
