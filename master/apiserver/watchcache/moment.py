"""What a request must have seen: one revision of the store, found once and shared by all who ask meanwhile.

A read answers as of its moment or later, so it sees every write that was acknowledged before it came. As with etcd's
read index, a look-up serves all who asked before it began; who asks while one is under way waits for the next.
"""

from __future__ import annotations

import asyncio
from typing import NewType, Protocol

Moment = NewType("Moment", int)
"""A revision that reads must have reached: what `Cache.reach` waits for."""

ANY = Moment(0)
"""What the cache holds is new enough."""


class Revisions(Protocol):
    """What is asked of a store."""

    async def revision(self) -> int:
        """The revision of the last acknowledged commit."""
        ...


class Moments:
    """Lives in the event loop."""

    def __init__(self, store: Revisions) -> None:
        self._store = store
        self._is_looking = False
        self._next: asyncio.Future[Moment] | None = None
        self._serving: asyncio.Task[None] | None = None

    async def now(self) -> Moment:
        """The moment of a request that comes now. Raises StoreError."""
        if self._is_looking:
            return await self._of_next()
        self._is_looking = True
        try:
            return Moment(await self._store.revision())
        finally:
            self._is_looking = False
            if self._next is not None:
                self._is_looking = True
                self._serving = asyncio.create_task(self._serve(self._next))

    async def _of_next(self) -> Moment:
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._next)  # one who leaves takes nobody along

    async def _serve(self, waiting: asyncio.Future[Moment] | None) -> None:
        """One look-up after the other for as long as somebody waits."""
        while waiting is not None:
            self._next = None  # who asks from here on waits for the next one
            try:
                waiting.set_result(Moment(await self._store.revision()))
            except Exception as error:  # each who waits gets it
                waiting.set_exception(error)
                waiting.exception()  # which is no news when nobody waits any more
            waiting = self._next
        self._is_looking = False
