"""Events about changes of the node. Pure; reasons and messages are those of Kubernetes' kubelet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from podlab.api.objects import condition
from podlab.core.v1 import node_pb2

# By condition: the reason when it becomes True, and the reason when it does not. Events have this order.
_REASONS: Final = {
    "MemoryPressure": ("NodeHasInsufficientMemory", "NodeHasSufficientMemory"),
    "DiskPressure": ("NodeHasDiskPressure", "NodeHasNoDiskPressure"),
    "PIDPressure": ("NodeHasInsufficientPID", "NodeHasSufficientPID"),
    "Ready": ("NodeReady", "NodeNotReady"),
}


@dataclass(frozen=True)
class NodeEvent:
    """An Event about the node."""

    type: str
    reason: str
    message: str


STARTING: Final = NodeEvent("Normal", "Starting", "Starting kubelet.")


def status_events(node: node_pb2.Node, status: node_pb2.NodeStatus) -> Iterator[NodeEvent]:
    """The Events when the node gets this status."""
    booted, known = status.nodeInfo.bootID, node.status.nodeInfo.bootID
    if known and booted != known:
        yield NodeEvent("Warning", "Rebooted", f"Node {node.metadata.name} has been rebooted, boot id: {booted}")
    for name, (true_reason, other_reason) in _REASONS.items():
        old, new = condition(node.status.conditions, name), condition(status.conditions, name)
        if new is not None and (old is None or old.status != new.status):
            yield _changed(node, true_reason if new.status == "True" else other_reason)


def cordon_event(node: node_pb2.Node) -> NodeEvent:
    """The Event when the node was cordoned or uncordoned."""
    return _changed(node, "NodeNotSchedulable" if node.spec.unschedulable else "NodeSchedulable")


def _changed(node: node_pb2.Node, reason: str) -> NodeEvent:
    return NodeEvent("Normal", reason, f"Node {node.metadata.name} status is now: {reason}")
