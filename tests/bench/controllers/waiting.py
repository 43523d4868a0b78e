"""Waiting until objects are as they should become."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from podlab.client.client import Client

LIMIT_S = 120.0


async def until(client: Client, kind: type[Message], namespace: str, count: int, done: Callable[[Any], bool]) -> None:
    """Returns once so many objects of the namespace are as `done` wants them. Raises TimeoutError."""
    listed = await client.list(kind, namespace)
    ready = {_name(obj) for obj in listed.items if done(obj)}
    if len(ready) == count:
        return
    async with asyncio.timeout(LIMIT_S):
        async for batch in client.watch(kind, listed.resource_version, namespace):
            for event in batch:
                if event.object is None:
                    continue
                if event.type != "DELETED" and done(event.object):
                    ready.add(_name(event.object))
                else:
                    ready.discard(_name(event.object))
            if len(ready) == count:
                return


def _name(obj: Any) -> str:
    return str(obj.metadata.name)
