"""The victims that a nominated pod waits for on its node."""

from __future__ import annotations

from collections.abc import Iterable

from master.scheduler.queue.cluster_events import ClusterEvent, EventKind


class AwaitedVictims:
    """`victims` are the uids of the pods that have to leave the node."""

    def __init__(self, node_name: str, victims: Iterable[str]) -> None:
        self.node_name = node_name
        self._awaited = set(victims)

    def may_fit_after(self, event: ClusterEvent) -> bool:
        """Whether the nominated pod is to be tried after an event on the node.

        That is when the last victim has left, when another pod has left, or when the node itself is gone.
        """
        if event.pod is None:
            return True
        was_awaited = event.pod.uid in self._awaited
        self._awaited.discard(event.pod.uid)
        return not was_awaited or not self._awaited


def vacated_node(event: ClusterEvent) -> str:
    """The node that a pod has left, or that was deleted itself; empty for other events."""
    if event.kind is EventKind.ASSIGNED_POD_DELETE and event.pod is not None:
        return str(event.pod.pod.spec.nodeName)
    if event.kind is EventKind.NODE_DELETE and event.node is not None:
        return str(event.node.metadata.name)
    return ""
