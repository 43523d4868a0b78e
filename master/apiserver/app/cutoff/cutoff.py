"""Whether this server is the one that is cut off.

A client stays with the server that it is connected to for as long as that takes its calls. So a server that reaches the
store no more, while others do, must not go on to take them: its nodes would be given up for dead, and its watches tell
nothing new. Where the store is gone for everybody it stays, and says so.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from master.apiserver.watchcache.moment import Revisions
from master.store.errors import Closed, StoreError

SILENT_S = 5.0
"""How long the store has not answered when others are asked."""
_EVERY_S = 1.0
_STARVED_S = 2.0
"""Who wakes so much later than it wanted to has had no processor: that nobody answered it means nothing."""

log = logging.getLogger(__name__)


class Neighbour(Enum):
    """How another server is, as far as can be told from here."""

    READY = "ready"
    NOT_READY = "not ready"
    AWAY = "away"


Ask = Callable[[str], Awaitable[Neighbour]]


def is_cut_off(others: Sequence[Neighbour]) -> bool:
    """Of a server that does not reach the store: whether clients may be better off with others. Where nobody is reached
    at all, it is this server that is alone; where others are reached, and none of them is ready, the store is gone."""
    return bool(others) and (Neighbour.READY in others or all(each is Neighbour.AWAY for each in others))


@dataclass(frozen=True)
class Cutoff:
    """`begun` and `ended` in turn, for ever. `others` are the addresses of the other servers that are known."""

    store: Revisions
    others: Callable[[], Sequence[str]]
    ask: Ask
    every_s: float = _EVERY_S
    silent_s: float = SILENT_S

    async def begun(self) -> None:
        """Returns once this server is cut off. A store that is closed is left alone: the server ends."""
        answered_s = time.monotonic()
        while True:
            if await self._answers():
                answered_s = time.monotonic()
            elif time.monotonic() - answered_s >= self.silent_s and await self._is_alone():
                return
            if not await self._slept():
                answered_s = time.monotonic()

    async def ended(self) -> None:
        """Returns once the store answers, or is closed."""
        while True:
            if await self._answers():
                return
            await self._slept()

    async def _slept(self) -> bool:
        """For as long as it wanted to, about."""
        began_s = time.monotonic()
        await asyncio.sleep(self.every_s)
        return time.monotonic() - began_s < self.every_s + _STARVED_S

    async def _answers(self) -> bool:
        """The store itself says when it has waited for long enough."""
        try:
            await self.store.revision()
        except Closed:
            return True
        except StoreError:
            return False
        return True

    async def _is_alone(self) -> bool:
        """The store may be there for everybody again by the time that the others have answered."""
        others = await asyncio.gather(*map(self.ask, self.others()))
        return is_cut_off(others) and not await self._answers()
