"""When each node was last heard of, by this process's own clock: nodes' clocks need not be right.

Silence counts only while the API server could be heard: after an outage every node gets its full time again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc

from podlab.api.objects import condition
from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import node_pb2

_Mark = tuple[int, int, int]


class Heartbeats:
    """A heartbeat is a change of the node's Lease or of the heartbeat time in its status."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[_Mark, float]] = {}

    def observe(self, node: node_pb2.Node, lease: lease_pb2.Lease | None, now: float) -> None:
        mark = _mark(node, lease)
        known = self._last.get(node.metadata.uid)
        if known is None or known[0] != mark:
            self._last[node.metadata.uid] = (mark, now)

    def silence_s(self, node: node_pb2.Node, connected_since: float, now: float) -> float:
        """Seconds without a sign of the node."""
        _, at = self._last.get(node.metadata.uid, (None, now))
        return now - max(at, connected_since)

    def forget(self, node: node_pb2.Node) -> None:
        self._last.pop(node.metadata.uid, None)


def _mark(node: node_pb2.Node, lease: lease_pb2.Lease | None) -> _Mark:
    ready = condition(node.status.conditions, "Ready")
    beat = ready.lastHeartbeatTime.seconds if ready is not None else 0
    if lease is None:
        return 0, 0, beat
    return lease.spec.renewTime.seconds, lease.spec.renewTime.nanos, beat


@dataclass
class Connection:
    """Since when the channel has been connected without a break; follow it with `run`."""

    channel: grpc.aio.Channel
    clock: Callable[[], float]
    since: float = float("inf")

    async def run(self) -> None:
        """Waits for changes of the channel's state until cancelled."""
        state: Any = self.channel.get_state()
        while True:
            if state != grpc.ChannelConnectivity.READY:
                self.since = float("inf")
            elif self.since == float("inf"):
                self.since = self.clock()
            await self.channel.wait_for_state_change(state)
            state = self.channel.get_state()
