"""When each node was last heard of, by this process's own clock: nodes' clocks need not be right.

Silence counts only while the API server could be heard: after an outage, or when this process was stopped, every node
gets its full time again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from podlab.api.objects import condition
from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import node_pb2
from podlab.errors import ApiError

log = logging.getLogger(__name__)

# The API server is asked so often, and has so long to answer before we count as deaf.
EVERY_S = 2.0
MOST_S = 5.0

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


class ApiServerReachability:
    """Since when the API server has answered us without a break; follow it with `run`.

    It is asked again and again. Without an answer for a while, we do not hear, whoever is to blame: the server hangs,
    the network is cut, or this process was stopped. `since` then counts anew from the next answer.
    """

    def __init__(self, ask: Callable[[], Awaitable[object]], clock: Callable[[], float], grace_s: float) -> None:
        self._ask = ask
        self._clock = clock
        self._every_s = min(EVERY_S, grace_s / 4)
        self._most_s = min(MOST_S, grace_s)
        self._since = self._last = float("-inf")

    def since(self) -> float:
        """On the given clock; infinity while nothing is heard."""
        return self._since if self._clock() - self._last <= self._most_s else float("inf")

    async def run(self) -> None:
        """Asks until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._most_s):
                    await self._ask()
            except (ApiError, TimeoutError) as error:
                log.debug("the API server does not answer: %s", error)
                self._last = float("-inf")
            else:
                if self.since() == float("inf"):
                    self._since = self._clock()
                self._last = self._clock()
            await asyncio.sleep(self._every_s)
