"""Waits for what tells nobody when it happens: looks again and again, and fails when it takes too long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

EVERY_S = 0.01
WITHIN_S = 60.0  # a machine with much to do is slow; who waits for what comes at once loses nothing


async def until(
    holds: Callable[[], object], what: str, *, within_s: float = WITHIN_S, every_s: float = EVERY_S
) -> None:
    """Returns as soon as it holds. Raises AssertionError, with `what` was waited for."""

    async def told() -> object:
        return holds()

    await until_told(told, what, within_s=within_s, every_s=every_s)


async def until_told(
    ask: Callable[[], Awaitable[object]], what: str, *, within_s: float = WITHIN_S, every_s: float = EVERY_S
) -> None:
    """As `until`, of what has to be asked for."""
    ends_s = time.monotonic() + within_s
    while not await ask():
        assert time.monotonic() < ends_s, f"{what}: not within {within_s:.0f} s"
        await asyncio.sleep(every_s)
