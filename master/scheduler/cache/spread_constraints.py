"""Topology spread constraints as values, with all that the pod's own labels say put in. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from master.scheduler.cache.affinity_terms import PodSelector, label_selector
from master.scheduler.cache.pod_info import Shape
from podlab.api.selectors import Operator, Requirement, Selector
from podlab.core.v1.pod_pb2 import TopologySpreadConstraint

DO_NOT_SCHEDULE, SCHEDULE_ANYWAY = "DoNotSchedule", "ScheduleAnyway"
HOSTNAME = "kubernetes.io/hostname"
_NOBODY = PodSelector(None, frozenset())


@dataclass(frozen=True)
class Constraint:
    """`pods` are those that are spread; `itself` tells whether the pod that is placed is one of them."""

    topology_key: str
    max_skew: int
    when_unsatisfiable: str
    pods: PodSelector = _NOBODY
    itself: bool = False
    min_domains: int = 1
    honors_affinity: bool = True
    honors_taints: bool = False

    def about(self, selector: Selector, shape: Shape) -> Constraint:
        """The constraint for pods of the shape's namespace. A selector without requirements counts no pods."""
        pods = PodSelector(None if selector.is_empty else selector, frozenset({shape.namespace}))
        return replace(self, pods=pods, itself=selector.matches(shape.labels))


@lru_cache(maxsize=4096)
def constraints_of(shape: Shape) -> tuple[Constraint, ...]:
    """Those that the pod itself has."""
    return tuple(_constraint(each, shape) for each in shape.pod.spec.topologySpreadConstraints)


def _constraint(given: TopologySpreadConstraint, shape: Shape) -> Constraint:
    made = Constraint(
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
    like = (
        Requirement(key, Operator.IN, frozenset({shape.labels[key]}))
        for key in given.matchLabelKeys
        if key in shape.labels
    )
    return made.about(Selector((*selector.requirements, *like)), shape)
