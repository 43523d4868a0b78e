"""Which nodes a NodeSelector means.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#node-affinity
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from podlab.api.selection.selectors import Operator, Requirement, Selector, from_labels
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import NodeSelector, NodeSelectorTerm, PodSpec

NAME_FIELD = "metadata.name"
_NAME = f"/{NAME_FIELD}"  # no label can have that key
Terms = tuple[tuple[Requirement, ...], ...]
"""A node meets all requirements of one of the terms."""


@dataclass(frozen=True)
class NodeMatcher:
    """A pod's nodeSelector and required affinity, which is terms of requirements; None asks for nothing."""

    labels: Selector
    terms: Terms | None

    def matches(self, node: Node) -> bool:
        """Whether they let the pod go to the node."""
        labels: Mapping[str, str] = node.metadata.labels
        if not self.labels.matches(labels):
            return False
        return self.terms is None or selects(self.terms, node.metadata.name, labels)


def matcher(spec: PodSpec) -> NodeMatcher:
    """What the pod asks of its node's name and labels."""
    affinity, terms = spec.affinity.nodeAffinity, None
    if affinity.HasField("requiredDuringSchedulingIgnoredDuringExecution"):
        terms = terms_of(affinity.requiredDuringSchedulingIgnoredDuringExecution)
    return NodeMatcher(from_labels(spec.nodeSelector), terms)


def terms_of(selector: NodeSelector) -> Terms:
    """The selector's terms, ready to be matched."""
    return tuple(tuple(_requirements(term)) for term in selector.nodeSelectorTerms)


def selects(terms: Terms, name: str, labels: Mapping[str, str]) -> bool:
    """Whether they mean the node of this name with these labels. A term without requirements means none."""
    known = {**labels, _NAME: name}
    return any(term and all(each.matches(known) for each in term) for term in terms)


def _requirements(term: NodeSelectorTerm) -> Iterator[Requirement]:
    for one in term.matchExpressions:
        yield Requirement(one.key, Operator(one.operator), frozenset(one.values))
    for one in term.matchFields:  # validation lets only metadata.name through
        yield Requirement(_NAME, Operator(one.operator), frozenset(one.values))
