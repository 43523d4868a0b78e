"""Waits for what tells nobody when it happens: looks again and again, and fails when it takes too long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

EVERY_S = 0.01
WITHIN_S = 20.0


async def until(
    holds: Callable[[], object], what: str, *, within_s: float = WITHIN_S, every_s: float = EVERY_S
) -> None:
    """Returns as soon as it holds. Raises AssertionError, with `what` was waited for."""
    ends_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends_s, f"{what}: not within {within_s:.0f} s"
        await asyncio.sleep(every_s)
