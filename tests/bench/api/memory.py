"""Memory of the server, as proportional set size: empty, and with pods in its watch cache."""

from __future__ import annotations

import pods
from apiserver import started, tell

COUNTS = (10_000, 33_000, 50_000)


async def measure() -> None:
    """Pods are created by 64 gRPC clients; then a REST client reads them all, whose JSON stays while it is wanted."""
    async with started() as server:
        tell("memory, empty", server.memory_mib(), "MiB")
        clients = [await server.connect() for _ in range(pods.FILLERS)]
        present = 0
        for count in COUNTS:
            await pods.fill(clients, present, count)
            present = count
            tell(f"memory, {count} pods", server.memory_mib(), "MiB")
        session = await server.session(1)
        async with session.get(f"{pods.PATH}?limit=5000") as response:
            response.raise_for_status()
            await response.read()
        tell(f"memory, {present} pods, 5000 of them listed as JSON", server.memory_mib(), "MiB")
