"""Limits how many sandboxes and containers a node starts at once, and which of them comes next."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# Ranks: containers come first. A container completes a pod that has its sandbox; a sandbox only begins another pod.
CONTAINER, SANDBOX = 0, 1


class StartLimiter:
    """At most `limit` starts at once. The lowest rank is served first, and within a rank the longest waiting."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._numbers = itertools.count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def slot(self, rank: int) -> AsyncIterator[None]:
        await self._acquire(rank)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, rank: int) -> None:
        if self._free:
            self._free -= 1
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._numbers), granted))
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._release()  # the slot was granted already: the next one gets it
            raise

    def _release(self) -> None:
        while self._waiting:
            *_, following = heapq.heappop(self._waiting)
            if not following.done():
                following.set_result(None)
                return
        self._free += 1
