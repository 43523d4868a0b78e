"""PodTopologySpread: keeps the numbers of like pods in each zone, on each node, or in any places, near one another.

https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.pod_info import PodInfo, Shape
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.cache.spread_constraints import (
    DO_NOT_SCHEDULE,
    HOSTNAME,
    SCHEDULE_ANYWAY,
    Constraint,
    constraints_of,
)
from master.scheduler.plugins import node_affinity, taint_toleration
from master.scheduler.plugins.protocol import MAX_SCORE, Follows, Refusals, Scores

_SKEWED, _NOWHERE = 1, 2
_REASONS = {
    _SKEWED: ("node(s) didn't match pod topology spread constraints",),
    _NOWHERE: ("node(s) didn't match pod topology spread constraints (missing required label)",),
}
_FINAL = frozenset({_NOWHERE})
_UNRANKED = -1
SYSTEM_DEFAULTS = (
    Constraint(HOSTNAME, 3, SCHEDULE_ANYWAY),
    Constraint("topology.kubernetes.io/zone", 5, SCHEDULE_ANYWAY),
)


_UNREACHED = 1 << 62  # the least number of pods in no places at all


@dataclass(frozen=True)
class _Places:
    """Of one constraint: the rows that count, the numbers that stand for their places, and whether these rows are all
    that have a place."""

    counted: NDArray[np.bool_]
    numbers: NDArray[np.int64]
    whole: bool


class PodTopologySpread:
    """`defaults` are for pods that have no constraints of their own; with `system_defaulting` a node that lacks one of
    their labels is not left out."""

    name = "PodTopologySpread"
    follows = Follows.CLUSTER

    def __init__(self, defaults: Sequence[Constraint] = SYSTEM_DEFAULTS, *, system_defaulting: bool = True) -> None:
        self._defaults = tuple(defaults)
        self._system_defaulting = system_defaulting

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        constraints = self._constraints(info.shape, nodes, DO_NOT_SCHEDULE)
        if not constraints:
            return None
        codes = np.zeros(nodes.length(rows), np.int64)
        all_places = _places(constraints, info.shape, nodes, all_keys=True)
        for constraint, places in reversed(list(zip(constraints, all_places, strict=True))):
            counts = _counts(constraint, places, nodes)
            lowest = int(counts[places.numbers].min(initial=_UNREACHED))
            if len(places.numbers) < constraint.min_domains:
                lowest = 0
            numbers = nodes.labels.column(constraint.topology_key).numbers[: nodes.size][rows]
            codes[counts[numbers] > constraint.max_skew + lowest - constraint.itself] = _SKEWED
            codes[numbers == 0] = _NOWHERE
        return Refusals(codes, _REASONS, _FINAL)

    def score(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Scores | None:
        shape = info.shape
        constraints = self._constraints(shape, nodes, SCHEDULE_ANYWAY)
        if not constraints:
            return None
        all_keys = bool(constraints_of(shape)) or not self._system_defaulting
        columns = [nodes.labels.column(each.topology_key).numbers[: nodes.size][rows] for each in constraints]
        ranked = np.ones(nodes.length(rows), np.bool_)
        if all_keys:
            for numbers in columns:
                ranked &= numbers != 0
        points = np.zeros(len(ranked))
        all_places = _places(constraints, shape, nodes, all_keys=all_keys)
        for constraint, numbers, places in zip(constraints, columns, all_places, strict=True):
            if constraint.topology_key == HOSTNAME:
                counts = nodes.tallies.of([constraint.pods], deleted_too=False).counts[: nodes.size][rows]
                points += _worth(counts, int(np.count_nonzero(ranked)), constraint) * (numbers != 0)
            else:
                domains = int(np.count_nonzero(np.bincount(numbers[ranked])))
                by_place = _worth(_counts(constraint, places, nodes), domains, constraint)
                by_place[0] = 0
                points += by_place[numbers]
        return np.where(ranked, np.floor(points + 0.5).astype(np.int64), _UNRANKED)

    @staticmethod
    def normalize(raw: Scores) -> Scores:
        ranked = raw[raw != _UNRANKED]
        if not len(ranked):
            return np.zeros_like(raw)
        lowest, highest = int(ranked.min()), int(ranked.max())
        scores = MAX_SCORE * (highest + lowest - raw) // highest if highest else np.full_like(raw, MAX_SCORE)
        return np.where(raw == _UNRANKED, 0, scores)

    def _constraints(self, shape: Shape, nodes: Snapshot, when: str) -> Sequence[Constraint]:
        own = constraints_of(shape)
        if own or not self._defaults:
            return [each for each in own if each.when_unsatisfiable == when]
        selector = nodes.workloads.selector_of(shape)
        if selector.is_empty:
            return ()
        return [each.about(selector, shape) for each in self._defaults if each.when_unsatisfiable == when]


def _worth(counts: NDArray[np.int64], domains: int, constraint: Constraint) -> NDArray[np.float64]:
    """The more pods are in a place and the more places there are, the more weighs a difference."""
    worth: NDArray[np.float64] = counts * np.float64(math.log(domains + 2)) + (constraint.max_skew - 1)
    return worth


def _places(constraints: Sequence[Constraint], shape: Shape, nodes: Snapshot, *, all_keys: bool) -> Sequence[_Places]:
    """They follow from the nodes' objects alone, so they are found once until one of these changes."""
    key = (shape, all_keys, *((each.topology_key, each.honors_affinity, each.honors_taints) for each in constraints))
    return nodes.fact(key, lambda: [_find_places(each, constraints, shape, nodes, all_keys) for each in constraints])


def _find_places(
    constraint: Constraint, constraints: Sequence[Constraint], shape: Shape, nodes: Snapshot, all_keys: bool
) -> _Places:
    size = nodes.size
    counted = nodes.present[:size].copy()
    own = nodes.labels.column(constraint.topology_key).numbers[:size]
    for each in constraints if all_keys else (constraint,):
        counted &= nodes.labels.column(each.topology_key).numbers[:size] != 0
    if constraint.honors_affinity:
        matched = node_affinity.matched(shape, nodes)
        if matched is not None:
            counted &= matched
    if constraint.honors_taints:
        counted &= ~taint_toleration.kept_out(shape, nodes)
    return _Places(counted, np.unique(own[counted]), bool((counted | (own == 0)).all()))


def _counts(constraint: Constraint, places: _Places, nodes: Snapshot) -> NDArray[np.int64]:
    """The number of pods by the number of their place; of places that do not count none."""
    tally = nodes.tallies.of([constraint.pods], deleted_too=False)
    column = nodes.labels.column(constraint.topology_key)
    if places.whole:
        return tally.by_place(constraint.topology_key, column)
    weights = tally.counts[: nodes.size] * places.counted
    counts = np.bincount(column.numbers[: nodes.size], weights=weights, minlength=column.count)
    return counts.astype(np.int64)
