"""Waits for Events."""

from __future__ import annotations

import asyncio

from podlab.client.client import Client
from podlab.client.informer import Informer
from podlab.core.v1 import event_pb2
from podlab_testing.waiting import WITHIN_S


async def told(admin: Client, reason: str, *, but: str = "", begins: str = "") -> str:
    """The message of an Event of this reason, other than `but`, and with this beginning; waits for it."""
    events, changed = Informer(admin, event_pb2.Event), asyncio.Event()
    events.on_change(lambda _: changed.set())
    task = asyncio.create_task(events.run())
    try:
        async with asyncio.timeout(WITHIN_S):
            while True:
                changed.clear()
                said = [one.message for one in events.list("default") if one.reason == reason and one.message != but]
                if found := [each for each in said if each.startswith(begins)]:
                    return found[0]
                await changed.wait()
    finally:
        task.cancel()
