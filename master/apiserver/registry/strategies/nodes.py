"""Nodes: what they begin with."""

from podlab.core.v1 import node_pb2

NOT_READY, EFFECT = "node.kubernetes.io/not-ready", "NoSchedule"


def begin(node: node_pb2.Node) -> None:
    """No pod comes before the controllers have seen that it is ready: they take the taint away.

    https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#taintnodesbycondition
    """
    if not any((taint.key, taint.effect) == (NOT_READY, EFFECT) for taint in node.spec.taints):
        node.spec.taints.add(key=NOT_READY, effect=EFFECT)
