"""What controllers ask of nodes."""

from __future__ import annotations

from podlab.api.objects import condition
from podlab.core.v1 import node_pb2


def readiness(node: node_pb2.Node) -> str:
    """True, False or Unknown; empty when the node has never said."""
    ready = condition(node.status.conditions, "Ready")
    return ready.status if ready is not None else ""
