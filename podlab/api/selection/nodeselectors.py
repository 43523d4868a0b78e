"""Which nodes a NodeSelector means.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#node-affinity
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from podlab.api.selection.selectors import Operator, Requirement, Selector, from_labels
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import NodeSelectorTerm, PodSpec

NAME_FIELD = "metadata.name"
_NAME = f"/{NAME_FIELD}"  # no label can have that key


@dataclass(frozen=True)
class NodeMatcher:
    """A pod's nodeSelector and required affinity, which is terms of requirements; None asks for nothing."""

    labels: Selector
    terms: tuple[tuple[Requirement, ...], ...] | None

    def matches(self, node: Node) -> bool:
        """Whether they let the pod go to the node. A term without requirements matches none."""
        labels: Mapping[str, str] = node.metadata.labels
        if not self.labels.matches(labels):
            return False
        if self.terms is None:
            return True
        known = {**labels, _NAME: node.metadata.name}
        return any(term and all(each.matches(known) for each in term) for term in self.terms)


def matcher(spec: PodSpec) -> NodeMatcher:
    """What the pod asks of its node's name and labels."""
    affinity, terms = spec.affinity.nodeAffinity, None
    if affinity.HasField("requiredDuringSchedulingIgnoredDuringExecution"):
        given = affinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms
        terms = tuple(tuple(_requirements(term)) for term in given)
    return NodeMatcher(from_labels(spec.nodeSelector), terms)


def _requirements(term: NodeSelectorTerm) -> Iterator[Requirement]:
    for one in term.matchExpressions:
        yield Requirement(one.key, Operator(one.operator), frozenset(one.values))
    for one in term.matchFields:  # validation lets only metadata.name through
        yield Requirement(_NAME, Operator(one.operator), frozenset(one.values))
