"""Whether a pod may be drawn to others that are only nominated, and so may never come. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from master.scheduler.cache.affinity_terms import Wish
from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.cache.spread_constraints import DO_NOT_SCHEDULE, constraints_of


def may_draw(others: Iterable[PodInfo], info: PodInfo, nodes: Snapshot) -> bool:
    """Whether the pod has to be with some of them, or they count where it is spread: then nodes may suit it that do not
    without them."""
    shape = info.shape
    wanted = [term.pods for term in shape.terms if term.wish is Wish.TOGETHER]
    wanted += [each.pods for each in constraints_of(shape) if each.when_unsatisfiable == DO_NOT_SCHEDULE]
    if not wanted:
        return False
    shapes = {other.shape for other in others}
    return any(nodes.tallies.finds_all([pods], other) for pods in wanted for other in shapes)
