"""Topology spread constraints as values. The labels of `matchLabelKeys` are part of their selectors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from master.scheduler.cache.affinity_terms import PodSelector, label_selector
from master.scheduler.cache.pod_info import PodShape
from podlab.api.selection.selectors import Operator, Requirement, Selector
from podlab.core.v1.pod_pb2 import TopologySpreadConstraint

DO_NOT_SCHEDULE, SCHEDULE_ANYWAY = "DoNotSchedule", "ScheduleAnyway"
_NO_PODS = PodSelector(None, frozenset())


@dataclass(frozen=True)
class SpreadConstraint:
    """`pods` are those that are spread; `self_match` tells whether the pod to schedule is one of them."""

    topology_key: str
    max_skew: int
    when_unsatisfiable: str
    pods: PodSelector = _NO_PODS
    self_match: bool = False
    min_domains: int = 1
    honors_affinity: bool = True
    honors_taints: bool = False

    def for_pods_of(self, selector: Selector, shape: PodShape) -> SpreadConstraint:
        """The constraint for the shape's namespace. A selector without requirements selects no pods."""
        pods = PodSelector(None if selector.is_empty else selector, frozenset({shape.namespace}))
        return replace(self, pods=pods, self_match=selector.matches(shape.labels))


@lru_cache(maxsize=4096)
def spread_constraints_of(shape: PodShape) -> tuple[SpreadConstraint, ...]:
    """The constraints in the pod's own spec."""
    return tuple(_constraint(each, shape) for each in shape.pod.spec.topologySpreadConstraints)


def _constraint(given: TopologySpreadConstraint, shape: PodShape) -> SpreadConstraint:
    made = SpreadConstraint(
        topology_key=given.topologyKey,
        max_skew=given.maxSkew,
        when_unsatisfiable=given.whenUnsatisfiable,
        min_domains=given.minDomains or 1,
        honors_affinity=given.nodeAffinityPolicy != "Ignore",
        honors_taints=given.nodeTaintsPolicy == "Honor",
    )
    selector = label_selector(given.labelSelector, present=given.HasField("labelSelector"))
    if selector is None:
        return made
    match_label_keys = (
        Requirement(key, Operator.IN, frozenset({shape.labels[key]}))
        for key in given.matchLabelKeys
        if key in shape.labels
    )
    return made.for_pods_of(Selector((*selector.requirements, *match_label_keys)), shape)
