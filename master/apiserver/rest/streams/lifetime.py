"""How long a stream into a pod lasts, and how its two directions end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TypeVar

log = logging.getLogger(__name__)

# After a client has left, what it sent before is passed on for at most this long.
LEAVE_S = 30.0

T = TypeVar("T")


async def run_session(about: str, session: Coroutine[None, None, None], *, leave_s: float = LEAVE_S) -> None:
    """Run a session to its end, or for at most `leave_s` after the client's connection is lost.

    aiohttp cancels a handler when its connection is lost, although there may be unread data that came before.
    """
    task = asyncio.create_task(session)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,), timeout=leave_s)
        raise
    except (ConnectionError, TimeoutError) as error:  # there is nobody to answer
        log.info("%s ends: %s", about, error)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def relay_both_ways(
    upwards: Coroutine[None, None, None],
    downwards: Coroutine[None, None, T],
    beat: Coroutine[None, None, None],
    *,
    leave_s: float = LEAVE_S,
) -> T:
    """Run both directions; the result is that of the pod's side, which ends the session. Raises the error of a side.

    `upwards` ends when the client has left. The pod's side then has `leave_s` to end, or ConnectionError is raised.
    """
    up, down, beating = asyncio.create_task(upwards), asyncio.create_task(downwards), asyncio.create_task(beat)
    sides: set[asyncio.Task[None] | asyncio.Task[T]] = {up, down, beating}
    running = set(sides)
    try:
        while not down.done():
            limit_s = leave_s if up.done() else None
            done, running = await asyncio.wait(running, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            for side in done:
                side.result()
            if not done:
                raise ConnectionError(f"the client has left, and the pod's side has gone on for {leave_s:.0f} s")
        return down.result()
    finally:
        for side in sides:
            side.cancel()
        await asyncio.gather(*sides, return_exceptions=True)  # those that are cut off have nothing to tell
