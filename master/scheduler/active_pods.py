"""Waits until the scheduling queue has active pods."""

from __future__ import annotations

import asyncio
import contextlib
import math

from master.scheduler.queue.scheduling_queue import SchedulingQueue


async def wait_for_active_pods(queue: SchedulingQueue, changed: asyncio.Event) -> None:
    """Returns at once when there are some. `changed` is set when the queue changes."""
    while not queue.has_active():
        changed.clear()
        delay_s = queue.delay_s()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if math.isinf(delay_s) else delay_s):
                await changed.wait()
