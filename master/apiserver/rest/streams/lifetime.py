"""How long a stream into a pod lasts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TypeVar

log = logging.getLogger(__name__)

# A client has left: what it said before is passed on for this long at most.
LEAVE_S = 30.0

T = TypeVar("T")


async def run_session(about: str, session: Coroutine[None, None, None]) -> None:
    """Runs a session to its end; when the connection of its client is lost, LEAVE_S longer at most.

    aiohttp cancels who answers when a connection is lost, though what came on it before has not been looked at yet.
    """
    task = asyncio.create_task(session)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,), timeout=LEAVE_S)
        raise
    except (ConnectionError, TimeoutError) as error:  # nobody is there to be told
        log.info("%s ends: %s", about, error)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def relay_both_ways(
    upwards: Coroutine[None, None, None], downwards: Coroutine[None, None, T], beat: Coroutine[None, None, None]
) -> T:
    """What the pod's side comes to, which is the end. Raises what a side met; ConnectionError after the client left.

    Upwards ends when the client has left; the pod's side then has LEAVE_S to take what is on its way.
    """
    up, down, beating = asyncio.create_task(upwards), asyncio.create_task(downwards), asyncio.create_task(beat)
    sides: set[asyncio.Task[None] | asyncio.Task[T]] = {up, down, beating}
    running = set(sides)
    try:
        while not down.done():
            leave_s = LEAVE_S if up.done() else None
            done, running = await asyncio.wait(running, timeout=leave_s, return_when=asyncio.FIRST_COMPLETED)
            for side in done:
                side.result()
            if not done:
                raise ConnectionError(f"the client has left, and the pod's side has gone on for {LEAVE_S:.0f} s")
        return down.result()
    finally:
        for side in sides:
            side.cancel()
        await asyncio.gather(*sides, return_exceptions=True)  # those that are cut off have nothing to tell
