"""NodeAffinity: nodeSelector and required affinity refuse nodes, preferred affinity scores them.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#affinity-and-anti-affinity
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.pod_info import PodInfo, PodShape
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.plugins.protocol import Follows, Refusals, Scores, stretched
from podlab.core.v1 import pod_pb2

_REASONS = {
    1: ("node(s) didn't match scheduler-enforced node affinity",),
    2: ("node(s) didn't satisfy plugin(s) [NodeAffinity]",),
    3: ("node(s) didn't match Pod's node affinity/selector",),
}
_NOTHING = pod_pb2.NodeAffinity()


def matching_rows(shape: PodShape, nodes: Snapshot) -> NDArray[np.bool_] | None:
    """For each row whether it matches the pod's nodeSelector and required affinity; None when it has neither."""
    spec = shape.pod.spec
    affinity = spec.affinity.nodeAffinity
    required = affinity.HasField("requiredDuringSchedulingIgnoredDuringExecution")
    if not spec.nodeSelector and not required:
        return None
    found = np.ones(nodes.size, np.bool_)
    for key, value in spec.nodeSelector.items():
        requirement = pod_pb2.NodeSelectorRequirement(key=key, operator="In", values=[value])
        found &= nodes.labels.column(key).matches(requirement)[: nodes.size]
    if required:
        selector = affinity.requiredDuringSchedulingIgnoredDuringExecution
        found &= nodes.labels.select(selector, nodes.name_column)
    return found


class NodeAffinity:
    """`added` holds for all pods, besides their own affinity (`addedAffinity`)."""

    name = "NodeAffinity"
    follows = Follows.NODE
    normalize = staticmethod(stretched)

    def __init__(self, added: pod_pb2.NodeAffinity = _NOTHING) -> None:
        self._added = added

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        own = matching_rows(info.shape, nodes)
        added = self._added.HasField("requiredDuringSchedulingIgnoredDuringExecution")
        if own is None and not added:
            return None
        codes = np.zeros(nodes.size, np.int64)
        if own is not None:
            codes[~own] = 3
            named = _named_rows(info.pod.spec.affinity.nodeAffinity, nodes)
            if named is not None:
                codes[~named] = 2
        if added:
            selector = self._added.requiredDuringSchedulingIgnoredDuringExecution
            enforced = nodes.labels.select(selector, nodes.name_column)
            codes[~enforced & (codes != 2)] = 1
        return Refusals(codes[rows], _REASONS, frozenset(_REASONS))

    def score(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Scores | None:
        own = info.pod.spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution
        preferred = [*own, *self._added.preferredDuringSchedulingIgnoredDuringExecution]
        if not preferred:
            return None
        raw = np.zeros(nodes.size, np.int64)
        for each in preferred:
            raw += each.weight * nodes.labels.matches_term(each.preference, nodes.name_column)
        return raw[rows]


def _named_rows(affinity: pod_pb2.NodeAffinity, nodes: Snapshot) -> NDArray[np.bool_] | None:
    """The rows that the terms select by metadata.name; None when one of the terms does not do so."""
    terms = affinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms
    found = np.zeros(nodes.size, np.bool_)
    for term in terms:
        names = [each for each in term.matchFields if each.operator == "In"]
        if not names:
            return None
        of_term = np.ones(nodes.size, np.bool_)
        for each in names:
            of_term &= nodes.name_column.matches(each)[: nodes.size]
        found |= of_term
    return found if terms else None
