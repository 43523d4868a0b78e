"""What the kubelet tells of its node in Events: what changed. Pure; worded as Kubernetes' kubelet does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from podlab.api.objects import condition
from podlab.core.v1 import node_pb2

# Conditions in the order in which they are told: the reason when one is True, and when it is not.
_REASONS: Final = {
    "MemoryPressure": ("NodeHasInsufficientMemory", "NodeHasSufficientMemory"),
    "DiskPressure": ("NodeHasDiskPressure", "NodeHasNoDiskPressure"),
    "PIDPressure": ("NodeHasInsufficientPID", "NodeHasSufficientPID"),
    "Ready": ("NodeReady", "NodeNotReady"),
}


@dataclass(frozen=True)
class Told:
    """An Event to be recorded of the node."""

    type: str
    reason: str
    message: str


STARTING: Final = Told("Normal", "Starting", "Starting kubelet.")


def status_events(node: node_pb2.Node, status: node_pb2.NodeStatus) -> Iterator[Told]:
    """What is told when the node gets this status."""
    booted, known = status.nodeInfo.bootID, node.status.nodeInfo.bootID
    if known and booted != known:
        yield Told("Warning", "Rebooted", f"Node {node.metadata.name} has been rebooted, boot id: {booted}")
    for name, (held, lost) in _REASONS.items():
        old, new = condition(node.status.conditions, name), condition(status.conditions, name)
        if new is not None and (old is None or old.status != new.status):
            yield _changed(node, held if new.status == "True" else lost)


def cordon_event(node: node_pb2.Node) -> Told:
    """What is told when the node was closed to new pods, or opened to them."""
    return _changed(node, "NodeNotSchedulable" if node.spec.unschedulable else "NodeSchedulable")


def _changed(node: node_pb2.Node, reason: str) -> Told:
    return Told("Normal", reason, f"Node {node.metadata.name} status is now: {reason}")
