"""InterPodAffinity: keeps pods together with those they want to be with, and apart from those that either wants apart.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.affinity_terms import Term, Wish
from master.scheduler.cache.pod_counts import Tally
from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.plugins.protocol import MAX_SCORE, Follows, Refusals, Scores

_AFFINITY, _ANTI_AFFINITY, _EXISTING = 1, 2, 3
_REASONS = {
    _AFFINITY: ("node(s) didn't match pod affinity rules",),
    _ANTI_AFFINITY: ("node(s) didn't match pod anti-affinity rules",),
    _EXISTING: ("node(s) didn't satisfy existing pods anti-affinity rules",),
}
_FINAL = frozenset({_AFFINITY})
MOST_HARD_WEIGHT = 100


class InterPodAffinity:
    """`hard_weight` is what a standing pod's required affinity counts as a wish of that pod's; with
    `ignores_standing`, a pod without wishes of its own is not drawn by those of standing pods."""

    name = "InterPodAffinity"
    follows = Follows.CLUSTER

    def __init__(self, hard_weight: int = 1, *, ignores_standing: bool = False) -> None:
        self._hard_weight = hard_weight
        self._ignores_standing = ignores_standing

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        shape = info.shape
        together = [term for term in shape.terms if term.wish is Wish.TOGETHER]
        apart = [term for term in shape.terms if term.wish is Wish.APART]
        standing = [(term, tally) for term, tally in nodes.tallies.about(shape) if term.wish is Wish.APART]
        if not together and not apart and not standing:
            return None
        codes = np.zeros(nodes.length(rows), np.int64)
        for term, tally in standing:
            codes[_pods_at(nodes, tally, term.topology_key, rows) > 0] = _EXISTING
        for term in apart:
            tally = nodes.tallies.of([term.pods], deleted_too=True)
            codes[_pods_at(nodes, tally, term.topology_key, rows) > 0] = _ANTI_AFFINITY
        if together:
            codes[~_together(info, nodes, together, rows)] = _AFFINITY
        return Refusals(codes, _REASONS, _FINAL)

    def score(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Scores | None:
        own = [term for term in info.shape.terms if term.wish is Wish.PREFERRED]
        wishes = [(term.topology_key, term.weight, nodes.tallies.of([term.pods], deleted_too=True)) for term in own]
        if own or not self._ignores_standing:
            for term, tally in nodes.tallies.about(info.shape):
                weight = self._hard_weight if term.wish is Wish.TOGETHER else term.weight
                if weight:
                    wishes.append((term.topology_key, weight, tally))
        if not wishes:
            return None
        raw = np.zeros(nodes.length(rows), np.int64)
        for key, weight, tally in wishes:
            raw += weight * _pods_at(nodes, tally, key, rows)
        return raw if raw.any() else None

    @staticmethod
    def normalize(raw: Scores) -> Scores:
        lowest, highest = int(raw.min(initial=raw[0])), int(raw.max(initial=raw[0]))
        if lowest == highest:
            return np.zeros_like(raw)
        return (MAX_SCORE * ((raw - lowest) / (highest - lowest))).astype(np.int64)


def _together(info: PodInfo, nodes: Snapshot, terms: Sequence[Term], rows: Rows) -> NDArray[np.bool_]:
    """Where pods that all terms mean are in the place that each of them names.

    The first of a group that wants to be together finds nobody: it may go wherever there are such places.
    """
    selectors = tuple(term.pods for term in terms)
    tally = nodes.tallies.of(selectors, deleted_too=True)
    found = np.ones(nodes.length(rows), np.bool_)
    placed = found.copy()
    for term in terms:
        column = nodes.labels.column(term.topology_key)
        numbers = column.numbers[: nodes.size][rows]
        placed &= numbers != 0
        found &= tally.by_place(term.topology_key, column)[numbers] > 0
    if not tally.total and nodes.tallies.finds_all(selectors, info.shape):
        return placed
    return placed & found


def _pods_at(nodes: Snapshot, tally: Tally, key: str, rows: Rows) -> Scores:
    """For each row how many pods of the tally are in its place; 0 where the node is in none."""
    if _one_to_a_place(nodes, key):
        return tally.counts[: nodes.size][rows]
    column = nodes.labels.column(key)
    by_place = tally.by_place(key, column)
    nowhere = int(by_place[0])
    found = by_place[column.numbers[: nodes.size][rows]]
    if nowhere:
        found[column.numbers[: nodes.size][rows] == 0] = 0
    return found


def _one_to_a_place(nodes: Snapshot, key: str) -> bool:
    """Whether each node is in a place of its own, as with hostnames: then its place has the pods that it has."""

    def find() -> bool:
        numbers = nodes.labels.column(key).numbers[: nodes.size][nodes.present[: nodes.size]]
        return bool(numbers.all()) and len(np.unique(numbers)) == len(numbers)

    return nodes.fact(("one to a place", key), find)
