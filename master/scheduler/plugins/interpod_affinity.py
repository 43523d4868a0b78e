"""InterPodAffinity: places pods with or apart from other pods, by the terms of both.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.affinity_terms import AffinityTerm, TermKind
from master.scheduler.cache.pod_counts import PodCount
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
    """`hard_weight` is the score of an existing pod's required affinity term that selects the pod.

    With `ignore_preferred_of_existing`, terms of existing pods score only for pods that have preferred terms too.
    """

    name = "InterPodAffinity"
    follows = Follows.CLUSTER

    def __init__(self, hard_weight: int = 1, *, ignore_preferred_of_existing: bool = False) -> None:
        self._hard_weight = hard_weight
        self._ignore_preferred_of_existing = ignore_preferred_of_existing

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        shape = info.shape
        affinity = [term for term in shape.affinity_terms if term.kind is TermKind.AFFINITY]
        anti_affinity = [term for term in shape.affinity_terms if term.kind is TermKind.ANTI_AFFINITY]
        existing = [
            (term, pod_count)
            for term, pod_count in nodes.pod_counts.of_terms_matching(shape)
            if term.kind is TermKind.ANTI_AFFINITY
        ]
        if not affinity and not anti_affinity and not existing:
            return None
        codes = np.zeros(nodes.length(rows), np.int64)
        for term, pod_count in existing:
            codes[_pods_in_domain(nodes, pod_count, term.topology_key, rows) > 0] = _EXISTING
        for term in anti_affinity:
            pod_count = nodes.pod_counts.matching([term.pods], include_deleted=True)
            codes[_pods_in_domain(nodes, pod_count, term.topology_key, rows) > 0] = _ANTI_AFFINITY
        if affinity:
            codes[~_satisfy_affinity(info, nodes, affinity, rows)] = _AFFINITY
        return Refusals(codes, _REASONS, _FINAL)

    def score(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Scores | None:
        own = [term for term in info.shape.affinity_terms if term.kind is TermKind.PREFERRED]
        weighted = [
            (term.topology_key, term.weight, nodes.pod_counts.matching([term.pods], include_deleted=True))
            for term in own
        ]
        if own or not self._ignore_preferred_of_existing:
            for term, pod_count in nodes.pod_counts.of_terms_matching(info.shape):
                weight = self._hard_weight if term.kind is TermKind.AFFINITY else term.weight
                if weight:
                    weighted.append((term.topology_key, weight, pod_count))
        if not weighted:
            return None
        raw = np.zeros(nodes.length(rows), np.int64)
        for key, weight, pod_count in weighted:
            raw += weight * _pods_in_domain(nodes, pod_count, key, rows)
        return raw if raw.any() else None

    @staticmethod
    def normalize(raw: Scores) -> Scores:
        lowest, highest = int(raw.min(initial=raw[0])), int(raw.max(initial=raw[0]))
        if lowest == highest:
            return np.zeros_like(raw)
        return (MAX_SCORE * ((raw - lowest) / (highest - lowest))).astype(np.int64)


def _satisfy_affinity(info: PodInfo, nodes: Snapshot, terms: Sequence[AffinityTerm], rows: Rows) -> NDArray[np.bool_]:
    """The rows where pods that all terms select are in the topology domain of each term.

    The first pod of a group with affinity to itself finds no other: it may go to any row that is in such domains.
    """
    selectors = tuple(term.pods for term in terms)
    pod_count = nodes.pod_counts.matching(selectors, include_deleted=True)
    found = np.ones(nodes.length(rows), np.bool_)
    in_domains = found.copy()
    for term in terms:
        column = nodes.labels.column(term.topology_key)
        numbers = column.numbers[: nodes.size][rows]
        in_domains &= numbers != 0
        found &= pod_count.by_domain(term.topology_key, column)[numbers] > 0
    if not pod_count.total and nodes.pod_counts.all_select(selectors, info.shape):
        return in_domains
    return in_domains & found


def _pods_in_domain(nodes: Snapshot, pod_count: PodCount, key: str, rows: Rows) -> Scores:
    """For each row how many of the pods are in its topology domain; 0 where the node is in none."""
    if _has_domain_per_node(nodes, key):
        return pod_count.counts[: nodes.size][rows]
    column = nodes.labels.column(key)
    by_domain = pod_count.by_domain(key, column)
    outside = int(by_domain[0])
    found = by_domain[column.numbers[: nodes.size][rows]]
    if outside:
        found[column.numbers[: nodes.size][rows] == 0] = 0
    return found


def _has_domain_per_node(nodes: Snapshot, key: str) -> bool:
    """Whether each node is a domain of its own, as with hostnames: then the domain's pods are the node's pods."""

    def find() -> bool:
        numbers = nodes.labels.column(key).numbers[: nodes.size][nodes.present[: nodes.size]]
        return bool(numbers.all()) and len(np.unique(numbers)) == len(numbers)

    return nodes.derived(("domain per node", key), find)
