"""Batches nodes' heartbeats: those of a tenth of a second share one commit, and one message to each watcher.

A thousand nodes renew their Leases every ten seconds; a delay of a tenth of a second does not matter to them.
"""

from __future__ import annotations

import asyncio

from master.apiserver.request.info import RequestInfo

LEASES = "kube-node-lease"
GATHERED_S = 0.1
_RENEWING = frozenset({"update", "patch"})


def is_heartbeat(asked: RequestInfo) -> bool:
    """Whether the request renews a node's Lease."""
    if asked.verb not in _RENEWING or not asked.about_objects:
        return False
    wanted = asked.wanted[0]
    return wanted.resource == "leases" and wanted.namespace == LEASES


class HeartbeatBatches:
    """A single heartbeat goes on at once. One that comes within `length_s` of it waits, and goes on with all others."""

    def __init__(self, length_s: float = GATHERED_S) -> None:
        self._length_s = length_s
        self._end: asyncio.Event | None = None
        self._waiting = 0

    async def next_batch(self) -> None:
        """Wait for the end of the batch, at most `length_s`."""
        if self._end is None:
            self._begin()
            return
        self._waiting += 1
        await self._end.wait()

    def _begin(self) -> None:
        self._end, self._waiting = asyncio.Event(), 0
        asyncio.get_running_loop().call_later(self._length_s, self._over)

    def _over(self) -> None:
        assert self._end is not None
        self._end.set()
        if self._waiting:
            self._begin()
        else:
            self._end = None
