"""Which node a pod goes to: a function of the pod and a snapshot, and all that explains it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from master.scheduler.algorithm.filter_cache import FITS, Refused, Verdict, Verdicts, filtered
from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.config.profile import Profile
from master.scheduler.plugins.protocol import Follows, Scores

_NOT_RANKED = -1
SMALL = 4096


@dataclass(frozen=True)
class Given:
    """What one score plugin gave, row by row; of rows that were refused it says nothing."""

    plugin: str
    weight: int
    raw: Scores
    normalized: Scores


@dataclass(frozen=True)
class Decision:
    """`node_name` is empty when no node fits; then `message` says why, in Kubernetes' words.

    All arrays are by row; `names` are the rows' nodes. `given` lacks the plugins to which all nodes are alike. `totals`
    is the weighted sum, and -1 where the pod does not fit.
    """

    profile: Profile
    node_name: str
    message: str
    names: Sequence[str]
    refused: Refused
    given: Sequence[Given]
    totals: Scores

    @property
    def rows(self) -> NDArray[np.int64]:
        """Those of the nodes that were judged."""
        return np.flatnonzero(self.refused.by >= FITS)

    @property
    def feasible(self) -> NDArray[np.int64]:
        """The rows of the nodes that the pod fits on."""
        return np.flatnonzero(self.refused.by == FITS)

    @property
    def best(self) -> NDArray[np.int64]:
        """The rows among which the draw was; none when the pod fits nowhere."""
        return _best(self.totals)

    @property
    def refused_by(self) -> frozenset[str]:
        """The plugins that keep the pod from nodes."""
        found = _counted(self.refused.by[self.refused.by > FITS])
        return frozenset(self.profile.filters[index].name for index in found)

    def reasons(self, row: int) -> tuple[str, ...]:
        """Why the node of that row refuses the pod; nothing when it does not."""
        by = int(self.refused.by[row])
        return self.refused.told[by].reasons[int(self.refused.codes[row])] if by > FITS else ()

    def helped_by_room(self) -> NDArray[np.int64]:
        """The rows that refuse the pod for the pods that stand there, so that preemption may help."""
        helped = np.zeros(len(self.refused.by), np.bool_)
        for index, verdict in self.refused.told.items():
            here = self.refused.by == index
            for code in _counted(self.refused.codes[here]):
                if code not in verdict.final:
                    helped |= here & (self.refused.codes == code)
        return np.flatnonzero(helped)


def schedule(
    info: PodInfo, nodes: Snapshot, profile: Profile, known: Verdicts, *, besides: Refused | None = None
) -> Decision:
    """Judges every node; ties are broken by a generator seeded with the pod's uid, so a decision can be replayed.

    `known` saves work and changes no result. What was refused `besides`, when things stood otherwise, is refused too.
    """
    verdict = known.about(info, nodes, profile)
    refused = filtered(verdict.refused, Follows.CLUSTER, info, nodes, profile, nodes.all)
    if besides is not None:
        refused = besides.then(refused)
    given, totals = _score(info, nodes, profile, verdict, refused)
    best = _best(totals)
    chosen = int(best[0] if len(best) == 1 else random.Random(info.uid).choice(best)) if len(best) else None  # noqa: S311 - fairness, not secrecy
    return Decision(
        profile=profile,
        node_name="" if chosen is None else nodes.names[chosen],
        message="" if chosen is not None else _message(nodes.count, refused),
        names=nodes.names,
        refused=refused,
        given=given,
        totals=totals,
    )


def fits(info: PodInfo, nodes: Snapshot, profile: Profile, rows: Rows) -> NDArray[np.bool_]:
    """Which of these rows the pod fits on as they are now; nothing is remembered."""
    length = nodes.length(rows)
    left = np.where(nodes.present[: nodes.size][rows], np.int8(FITS), np.int8(FITS - 1))
    judged = Refused(left, np.zeros(length, np.int64), {})
    for follows in Follows:
        judged = filtered(judged, follows, info, nodes, profile, rows)
    return np.equal(judged.by, FITS)


def _score(
    info: PodInfo, nodes: Snapshot, profile: Profile, verdict: Verdict, refused: Refused
) -> tuple[list[Given], Scores]:
    fit = np.equal(refused.by, FITS)
    left: Rows = nodes.all if fit.all() else np.flatnonzero(fit)
    if not isinstance(left, slice) and not len(left):
        return [], np.full(nodes.size, _NOT_RANKED, np.int64)
    totals = verdict.total.copy()
    given: list[Given] = []
    for place, each in enumerate(profile.scores):
        plugin = each.plugin
        raw = verdict.raw.get(place)
        if plugin.follows is Follows.CLUSTER:
            raw = _spread_out(plugin.score(info, nodes, left), left, nodes.size)
        if raw is None:
            continue
        normalized = raw
        if plugin.normalize is not None:
            normalized = _spread_out(plugin.normalize(raw[left]), left, nodes.size)
        if plugin.normalize is not None or plugin.follows is Follows.CLUSTER:
            totals += each.weight * normalized
        given.append(Given(plugin.name, each.weight, raw, normalized))
    if not isinstance(left, slice):
        totals[~fit] = _NOT_RANKED
    return given, totals


@overload
def _spread_out(given: Scores, left: Rows, size: int) -> Scores: ...
@overload
def _spread_out(given: Scores | None, left: Rows, size: int) -> Scores | None: ...
def _spread_out(given: Scores | None, left: Rows, size: int) -> Scores | None:
    """The scores of the rows that are left, each at its row."""
    if given is None or isinstance(left, slice):
        return given
    raw = np.zeros(size, np.int64)
    raw[left] = given
    return raw


def _best(totals: Scores) -> NDArray[np.int64]:
    highest = totals.max(initial=_NOT_RANKED)
    return np.flatnonzero(totals == highest) if highest >= 0 else np.zeros(0, np.int64)


def _counted(codes: NDArray[np.integer]) -> dict[int, int]:
    """How often each of them is there; it need not sort small ones, as most are."""
    if len(codes) and codes.min() >= 0 and codes.max() < SMALL:
        counts = np.bincount(codes)
        return {code: int(counts[code]) for code in np.flatnonzero(counts).tolist()}
    found, times = np.unique(codes, return_counts=True)
    return dict(zip(found.tolist(), times.tolist(), strict=True))


def _message(count: int, refused: Refused) -> str:
    if count == 0:
        return "no nodes available to schedule pods"
    whole = next((verdict.whole for verdict in refused.told.values() if verdict.whole), "")
    if whole:
        return f"0/{count} nodes are available: {whole}."
    reasons: Counter[str] = Counter()
    for index, verdict in refused.told.items():
        for code, times in _counted(refused.codes[refused.by == index]).items():
            for reason in verdict.reasons[code]:
                reasons[reason] += times
    told = sorted(f"{times} {reason}" for reason, times in reasons.items())
    return f"0/{count} nodes are available: {', '.join(told)}."
