"""Durable creates a second: each client creates one pod after the other."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
import load
import pods
from apiserver import ApiServer, started, tell

REST_CONNECTIONS = 16


async def measure(reference: Mapping[int, float]) -> None:
    """Each protocol on a fresh server. `reference` is how many writes a second this machine can do, by clients."""
    async with started() as server:
        for count in load.GRPC_CLIENTS:
            clients = [await server.connect() for _ in range(count)]
            writers = [lambda name, client=client: pods.create(client, name) for client in clients]
            title = f"durable pod creates over gRPC, {count} clients"
            rate = await _creates(server, title, writers)
            tell(f"{title}, share of the reference", rate / reference[count] * 100, "%")
    async with started() as server:
        session = await server.session(REST_CONNECTIONS)
        await _posts(server, session, reference[REST_CONNECTIONS])


async def _posts(server: ApiServer, session: aiohttp.ClientSession, reference: float) -> None:
    title = f"durable pod creates over REST, {REST_CONNECTIONS} connections"
    rate = await _creates(server, title, [lambda name: pods.post(session, name)] * REST_CONNECTIONS)
    tell(f"{title}, share of the reference", rate / reference * 100, "%")


async def _creates(server: ApiServer, title: str, writers: list[load.Write]) -> float:
    before_s = server.cpu_s()
    with server.watched(title):
        took = await load.write(writers)
    tell(f"{title}, CPU of the server for each", (server.cpu_s() - before_s) / len(took) * 1e6, "us")
    rate = len(took) / load.WRITE_S
    tell(title, rate, "/s")
    tell(f"{title}, p99", sorted(took)[len(took) * 99 // 100] * 1000, "ms")
    return rate
