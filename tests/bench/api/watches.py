"""Events a second that reach 100 watchers: 1,000 ConfigMaps of 0.9 KB are created, everybody watches them all.

The watchers count in bytes, unparsed, so that parsing here does not hide the server's rate.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
from apiserver import started, tell

from podlab.client.client import Client
from podlab.core.v1 import config_pb2
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2

WATCHERS = 100
WRITES = 1000
WRITERS = 16
MARK = b"filling-that-marks-an-event"
Watcher = Callable[[], AsyncIterator[bytes]]


async def measure() -> None:
    """Over gRPC and over REST, each on a fresh server."""
    async with started() as server:
        clients = [await server.connect() for _ in range(WATCHERS)]
        with server.watched("watch over gRPC"):
            await _deliver("gRPC", [lambda client=client: _grpc(client) for client in clients], clients[0])
    async with started() as server:
        session = await server.session(WATCHERS)
        with server.watched("watch over REST"):
            await _deliver("REST", [lambda: _rest(session)] * WATCHERS, await server.connect())


async def _deliver(protocol: str, watchers: list[Watcher], writer: Client) -> None:
    ready = asyncio.Semaphore(0)

    async def follow(chunks: AsyncIterator[bytes]) -> None:
        seen = 0
        ready_told = False
        async for chunk in chunks:
            if not ready_told:
                ready.release()
                ready_told = True
            seen += chunk.count(MARK)
            if seen >= WRITES:
                return

    followers = [asyncio.create_task(follow(watch())) for watch in watchers]
    for _ in followers:
        await ready.acquire()
    begun = time.perf_counter()
    await _write(writer)
    await asyncio.gather(*followers)
    tell(f"events to {WATCHERS} watchers over {protocol}", WRITES * WATCHERS / (time.perf_counter() - begun), "/s")


async def _grpc(client: Client) -> AsyncIterator[bytes]:
    """The first message is the bookmark that ends what is there."""
    request = apiserver_pb2.WatchRequest(kind="ConfigMap", resource_version="").SerializeToString()
    call: Any = client.channel.unary_stream("/podlab.v1.ApiServer/Watch")(request)
    try:
        async for response in call:
            yield response
    finally:
        call.cancel()


async def _rest(session: aiohttp.ClientSession) -> AsyncIterator[bytes]:
    """As above: with initial events, there is a first line at once."""
    query = "watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
    async with session.get(f"/api/v1/configmaps?{query}") as response:
        response.raise_for_status()
        async for chunk in response.content.iter_any():
            yield chunk


async def _write(client: Client) -> None:
    async def write(first: int) -> None:
        for number in range(first, WRITES, WRITERS):
            metadata = meta_pb2.ObjectMeta(name=f"c{number}", namespace="default")
            await client.create(config_pb2.ConfigMap(metadata=metadata, data={"text": MARK.decode() + "x" * 800}))

    await asyncio.gather(*(write(first) for first in range(WRITERS)))
