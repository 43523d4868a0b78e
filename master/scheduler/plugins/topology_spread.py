"""PodTopologySpread: keeps the numbers of pods in each zone, on each node, or in other domains near one another.

https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.pod_info import PodInfo, PodShape
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.cache.spread_constraints import (
    DO_NOT_SCHEDULE,
    SCHEDULE_ANYWAY,
    SpreadConstraint,
    spread_constraints_of,
)
from master.scheduler.plugins import node_affinity, taint_toleration
from master.scheduler.plugins.protocol import MAX_SCORE, Follows, Refusals, Scores
from podlab.api.selection.labels import HOSTNAME_LABEL, ZONE_LABEL

_SKEWED, _NO_DOMAIN = 1, 2
_REASONS = {
    _SKEWED: ("node(s) didn't match pod topology spread constraints",),
    _NO_DOMAIN: ("node(s) didn't match pod topology spread constraints (missing required label)",),
}
_FINAL = frozenset({_NO_DOMAIN})
_UNRANKED = -1
SYSTEM_DEFAULTS = (
    SpreadConstraint(HOSTNAME_LABEL, 3, SCHEDULE_ANYWAY),
    SpreadConstraint(ZONE_LABEL, 5, SCHEDULE_ANYWAY),
)


_NO_MINIMUM = 1 << 62  # of no domains at all


@dataclass(frozen=True)
class _Domains:
    """The rows that count for a constraint, the numbers of their domains, and whether all rows in domains count."""

    counted: NDArray[np.bool_]
    numbers: NDArray[np.int64]
    whole: bool


class PodTopologySpread:
    """`defaults` are for pods without constraints of their own.

    With `system_defaulting` a node that lacks one of the topology keys is scored all the same.
    """

    name = "PodTopologySpread"
    follows = Follows.CLUSTER

    def __init__(
        self, defaults: Sequence[SpreadConstraint] = SYSTEM_DEFAULTS, *, system_defaulting: bool = True
    ) -> None:
        self._defaults = tuple(defaults)
        self._system_defaulting = system_defaulting

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        constraints = self._constraints(info.shape, nodes, DO_NOT_SCHEDULE)
        if not constraints:
            return None
        codes = np.zeros(nodes.length(rows), np.int64)
        all_domains = _domains(constraints, info.shape, nodes, all_keys=True)
        for constraint, domains in reversed(list(zip(constraints, all_domains, strict=True))):
            counts = _counts(constraint, domains, nodes)
            lowest = int(counts[domains.numbers].min(initial=_NO_MINIMUM))
            if len(domains.numbers) < constraint.min_domains:
                lowest = 0
            numbers = nodes.labels.column(constraint.topology_key).numbers[: nodes.size][rows]
            codes[counts[numbers] > constraint.max_skew + lowest - constraint.self_match] = _SKEWED
            codes[numbers == 0] = _NO_DOMAIN
        return Refusals(codes, _REASONS, _FINAL)

    def score(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Scores | None:
        shape = info.shape
        constraints = self._constraints(shape, nodes, SCHEDULE_ANYWAY)
        if not constraints:
            return None
        all_keys = bool(spread_constraints_of(shape)) or not self._system_defaulting
        columns = [nodes.labels.column(each.topology_key).numbers[: nodes.size][rows] for each in constraints]
        ranked = np.ones(nodes.length(rows), np.bool_)
        if all_keys:
            for numbers in columns:
                ranked &= numbers != 0
        points = np.zeros(len(ranked))
        all_domains = _domains(constraints, shape, nodes, all_keys=all_keys)
        for constraint, numbers, domains in zip(constraints, columns, all_domains, strict=True):
            if constraint.topology_key == HOSTNAME_LABEL:
                counts = nodes.pod_counts.matching([constraint.pods], include_deleted=False).counts[: nodes.size][rows]
                points += _weighted(counts, int(np.count_nonzero(ranked)), constraint) * (numbers != 0)
            else:
                domain_count = int(np.count_nonzero(np.bincount(numbers[ranked])))
                by_domain = _weighted(_counts(constraint, domains, nodes), domain_count, constraint)
                by_domain[0] = 0
                points += by_domain[numbers]
        return np.where(ranked, np.floor(points + 0.5).astype(np.int64), _UNRANKED)

    @staticmethod
    def normalize(raw: Scores) -> Scores:
        ranked = raw[raw != _UNRANKED]
        if not len(ranked):
            return np.zeros_like(raw)
        lowest, highest = int(ranked.min()), int(ranked.max())
        scores = MAX_SCORE * (highest + lowest - raw) // highest if highest else np.full_like(raw, MAX_SCORE)
        return np.where(raw == _UNRANKED, 0, scores)

    def _constraints(self, shape: PodShape, nodes: Snapshot, when: str) -> Sequence[SpreadConstraint]:
        own = spread_constraints_of(shape)
        if own or not self._defaults:
            return [each for each in own if each.when_unsatisfiable == when]
        selector = nodes.workload_selectors.selector_of(shape)
        if selector.is_empty:
            return ()
        return [each.for_pods_of(selector, shape) for each in self._defaults if each.when_unsatisfiable == when]


def _weighted(counts: NDArray[np.int64], domain_count: int, constraint: SpreadConstraint) -> NDArray[np.float64]:
    """A difference weighs more with more pods in a domain, and with more domains."""
    weighted: NDArray[np.float64] = counts * np.float64(math.log(domain_count + 2)) + (constraint.max_skew - 1)
    return weighted


def _domains(
    constraints: Sequence[SpreadConstraint], shape: PodShape, nodes: Snapshot, *, all_keys: bool
) -> Sequence[_Domains]:
    """They depend on the nodes' objects alone, so they are kept until one of these changes."""
    key = (shape, all_keys, *((each.topology_key, each.honors_affinity, each.honors_taints) for each in constraints))
    return nodes.derived(
        key, lambda: [_find_domains(each, constraints, shape, nodes, all_keys) for each in constraints]
    )


def _find_domains(
    constraint: SpreadConstraint,
    constraints: Sequence[SpreadConstraint],
    shape: PodShape,
    nodes: Snapshot,
    all_keys: bool,
) -> _Domains:
    size = nodes.size
    counted = nodes.present[:size].copy()
    own = nodes.labels.column(constraint.topology_key).numbers[:size]
    for each in constraints if all_keys else (constraint,):
        counted &= nodes.labels.column(each.topology_key).numbers[:size] != 0
    if constraint.honors_affinity:
        matched = node_affinity.matching_rows(shape, nodes)
        if matched is not None:
            counted &= matched
    if constraint.honors_taints:
        counted &= ~taint_toleration.untolerated_rows(shape, nodes)
    return _Domains(counted, np.unique(own[counted]), bool((counted | (own == 0)).all()))


def _counts(constraint: SpreadConstraint, domains: _Domains, nodes: Snapshot) -> NDArray[np.int64]:
    """The number of pods by the number of their domain; 0 for domains that do not count."""
    pod_count = nodes.pod_counts.matching([constraint.pods], include_deleted=False)
    column = nodes.labels.column(constraint.topology_key)
    if domains.whole:
        return pod_count.by_domain(constraint.topology_key, column)
    weights = pod_count.counts[: nodes.size] * domains.counted
    counts = np.bincount(column.numbers[: nodes.size], weights=weights, minlength=column.count)
    return counts.astype(np.int64)
