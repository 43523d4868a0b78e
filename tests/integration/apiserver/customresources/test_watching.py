"""Many who watch a custom kind, and most of whom do not read."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from podlab_testing.cluster import ADMIN, Cluster
from podlab_testing.custom_kinds import CRONTABS, Rest, crontab
from podlab_testing.http_clients import tls_of

WATCHERS, READERS = 200, 20
CHANGES, TEXT_BYTES = 800, 20_000
MOST_BYTES = (WATCHERS - READERS) * CHANGES * TEXT_BYTES // 2
"""Half of what all who do not read would be owed. Each keeps some 3 MB at most, in buffers of its connection."""


def resident_bytes() -> int:
    """Of this process: the server, and those who watch it."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@asynccontextmanager
async def not_reading(cluster: Cluster, since: str) -> AsyncIterator[asyncio.StreamReader]:
    """A watch whose client reads nothing until the block does."""
    tls: ssl.SSLContext = tls_of(cluster, ADMIN)
    reader, writer = await asyncio.open_connection("127.0.0.1", cluster.settings.rest_port, ssl=tls, limit=4096)
    writer.write(f"GET {CRONTABS}?watch=1&resourceVersion={since} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    try:
        yield reader
    finally:
        writer.transport.abort()


async def versions(rest: Rest, since: str) -> list[int]:
    """The replicas of all changes, as a watcher sees them."""
    seen: list[int] = []
    async with rest.http.get(CRONTABS, params={"watch": "1", "resourceVersion": since}) as answer:
        buffered = b""
        async for data in answer.content.iter_any():
            *lines, buffered = (buffered + data).split(b"\n")
            seen += [json.loads(line)["object"]["spec"]["config"]["at"] for line in lines]
            if len(seen) == CHANGES:
                return seen
    return seen


async def test_who_watches_a_custom_kind_and_does_not_read_costs_little(crontabs: Rest, cluster: Cluster) -> None:
    made = await crontabs("POST", CRONTABS, crontab(), code=201)
    since = made["metadata"]["resourceVersion"]
    async with AsyncExitStack() as slow:
        opened = [await slow.enter_async_context(not_reading(cluster, since)) for _ in range(WATCHERS - READERS)]
        readers = [asyncio.create_task(versions(crontabs, since)) for _ in range(READERS)]
        await crontabs.patch(f"{CRONTABS}/my", config(0))
        before = resident_bytes()
        for at in range(1, CHANGES):
            await crontabs.patch(f"{CRONTABS}/my", config(at))
        async with asyncio.timeout(60):
            assert all(seen == list(range(CHANGES)) for seen in await asyncio.gather(*readers))
        assert resident_bytes() - before < MOST_BYTES
        assert b"200 OK" in await opened[0].readline()


def config(at: int) -> dict[str, Any]:
    return {"spec": {"config": {"at": at, "text": "x" * TEXT_BYTES}}}
