"""Which nodes a NodeSelector means.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#node-affinity
"""

from __future__ import annotations

from podlab.api.selectors import Operator, Requirement, from_labels
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import NodeSelectorRequirement, NodeSelectorTerm, PodSpec

NAME_FIELD = "metadata.name"


def accepts(spec: PodSpec, node: Node) -> bool:
    """Whether the pod's nodeSelector and required affinity let it go to the node."""
    if not from_labels(spec.nodeSelector).matches(node.metadata.labels):
        return False
    affinity = spec.affinity.nodeAffinity
    if not affinity.HasField("requiredDuringSchedulingIgnoredDuringExecution"):
        return True
    terms = affinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms
    return any(_meets(term, node) for term in terms)


def _meets(term: NodeSelectorTerm, node: Node) -> bool:
    """An empty term matches no node."""
    name = {NAME_FIELD: node.metadata.name}
    met = [_requirement(one).matches(node.metadata.labels) for one in term.matchExpressions]
    met += [_requirement(one).matches(name) for one in term.matchFields]
    return bool(met) and all(met)


def _requirement(one: NodeSelectorRequirement) -> Requirement:
    return Requirement(one.key, Operator(one.operator), frozenset(one.values))
