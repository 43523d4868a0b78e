"""Whether a pod may fit only because of pods that are merely nominated, and so may never come."""

from __future__ import annotations

from collections.abc import Iterable

from master.scheduler.cache.affinity_terms import TermKind
from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.cache.spread_constraints import DO_NOT_SCHEDULE, spread_constraints_of


def may_depend_on(nominated: Iterable[PodInfo], info: PodInfo, nodes: Snapshot) -> bool:
    """Whether required affinity or a hard spread constraint of the pod selects one of the nominated pods."""
    shape = info.shape
    selectors = [term.pods for term in shape.affinity_terms if term.kind is TermKind.AFFINITY]
    selectors += [each.pods for each in spread_constraints_of(shape) if each.when_unsatisfiable == DO_NOT_SCHEDULE]
    if not selectors:
        return False
    shapes = {other.shape for other in nominated}
    return any(nodes.pod_counts.all_select([selector], other) for selector in selectors for other in shapes)
