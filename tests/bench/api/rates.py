"""Durable creates a second: each client creates one pod after the other, for four seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import aiohttp
import pods
from apiserver import ApiServer, started, tell

CREATE_S = 4.0
GRPC_CLIENTS = (16, 64)
REST_CONNECTIONS = 16


async def measure() -> None:
    """Each protocol on a fresh server."""
    async with started() as server:
        for count in GRPC_CLIENTS:
            clients = [await server.connect() for _ in range(count)]
            writers = [lambda name, client=client: pods.create(client, name) for client in clients]
            await _creates(server, f"durable pod creates over gRPC, {count} clients", writers)
    async with started() as server:
        session = await server.session(REST_CONNECTIONS)
        await _posts(server, session)


async def _posts(server: ApiServer, session: aiohttp.ClientSession) -> None:
    writers = [lambda name: pods.post(session, name)] * REST_CONNECTIONS
    await _creates(server, f"durable pod creates over REST, {REST_CONNECTIONS} connections", writers)


async def _creates(server: ApiServer, title: str, writers: list[Callable[[str], Awaitable[None]]]) -> None:
    end = time.perf_counter() + CREATE_S
    took: list[float] = []

    async def work(number: int, write: Callable[[str], Awaitable[None]]) -> None:
        count = 0
        while (begun := time.perf_counter()) < end:
            await write(f"c{len(writers)}-{number}-{count}")
            took.append(time.perf_counter() - begun)
            count += 1

    with server.watched(title):
        await asyncio.gather(*(work(number, write) for number, write in enumerate(writers)))
    tell(title, len(took) / CREATE_S, "/s")
    tell(f"{title}, p99", sorted(took)[len(took) * 99 // 100] * 1000, "ms")
