"""Room that is being made for a pod on a node, and when it may be there. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from master.scheduler.queue.cluster_events import Event, What


class Room:
    """`victims` are the uids of those that have to go from the node for it."""

    def __init__(self, node_name: str, victims: Iterable[str]) -> None:
        self.node_name = node_name
        self._awaited = set(victims)

    def may_be_there(self, event: Event) -> bool:
        """Once the last victim has gone; or somebody else, as that may do; or the node, which ends the waiting."""
        if event.pod is None:
            return True
        was_awaited = event.pod.uid in self._awaited
        self._awaited.discard(event.pod.uid)
        return not was_awaited or not self._awaited


def left(event: Event) -> str:
    """The node from which a pod has gone, or that has gone itself; empty for none."""
    if event.what is What.POD_GONE and event.pod is not None:
        return str(event.pod.pod.spec.nodeName)
    if event.what is What.NODE_REMOVED and event.node is not None:
        return str(event.node.metadata.name)
    return ""
