"""Clients that write one object after the other, for four seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

WRITE_S = 4.0
GRPC_CLIENTS = (16, 64)

Write = Callable[[str], Awaitable[None]]


async def write(writers: list[Write]) -> list[float]:
    """How long each write took, in seconds. Each of the writers is given names that nobody else has."""
    end = time.perf_counter() + WRITE_S
    took: list[float] = []

    async def work(number: int, write_one: Write) -> None:
        count = 0
        while (begun := time.perf_counter()) < end:
            await write_one(f"c{len(writers)}-{number}-{count}")
            took.append(time.perf_counter() - begun)
            count += 1

    await asyncio.gather(*(work(number, each) for number, each in enumerate(writers)))
    return took
