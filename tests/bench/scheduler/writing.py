"""Many writes at once, and waiting for what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from podlab.client.client import Client
from podlab.core.v1.pod_pb2 import Pod

T = TypeVar("T")
WRITERS = 64
BIND_LIMIT_S = 120.0


async def each(things: Iterable[T], write: Callable[[T], Awaitable[object]]) -> None:
    """By WRITERS writers, each one after the other."""
    left = iter(things)

    async def work() -> None:
        for thing in left:
            await write(thing)

    async with asyncio.TaskGroup() as group:
        for _ in range(WRITERS):
            group.create_task(work())


async def bound(client: Client, namespace: str, names: frozenset[str], revision: str) -> None:
    """Returns once all of these pods have a node; the watch begins at that revision."""
    missing = set(names)
    async with asyncio.timeout(BIND_LIMIT_S):
        async for batch in client.watch(Pod, revision, namespace):
            for event in batch:
                if event.object is not None and event.object.spec.nodeName:
                    missing.discard(event.object.metadata.name)
            if not missing:
                return
