"""Custom kinds: how long many take to be served and what they cost, and how fast their objects are created."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import load
from apiserver import ApiServer, started, tell
from podlab_testing import custom_kinds

DEFINITIONS = 500
CONNECTIONS = 16
OBJECT_BYTES = 2048
_LIMIT_S = 120.0
_NAMESPACE = "/namespaces/default/"


async def measure() -> None:
    """Definitions on a fresh server, objects of one of their kinds, and a start with all of them."""
    with tempfile.TemporaryDirectory(prefix="podlab-bench-", dir=Path.cwd()) as directory:
        async with started(Path(directory)) as server:
            session = await server.session(CONNECTIONS)
            await _define(server, session)
            await _create(session)
        async with started(Path(directory), told=f"start to first answer, {DEFINITIONS} custom kinds") as server:
            tell("  of it, processor time", server.process_clock_s(), "s", 2)


async def _define(server: ApiServer, session: aiohttp.ClientSession) -> None:
    empty, begun = server.memory_mib(), time.perf_counter()
    await asyncio.gather(
        *(_post(session, custom_kinds.DEFINITIONS, _definition(index)) for index in range(DEFINITIONS))
    )
    async with asyncio.timeout(_LIMIT_S):
        while await _established(session) < DEFINITIONS:  # noqa: ASYNC110 - it is a figure of another process
            await asyncio.sleep(0.1)
    tell(f"{DEFINITIONS} custom kinds established", time.perf_counter() - begun, "s", 1)
    tell(f"memory, {DEFINITIONS} custom kinds", server.memory_mib() - empty, "MiB more than without")


def _definition(index: int) -> dict[str, Any]:
    names = {"plural": f"kinds{index}", "kind": f"Kind{index}"}
    return custom_kinds.definition(f"kinds{index}", names=names)


async def _established(session: aiohttp.ClientSession) -> int:
    async with session.get(custom_kinds.DEFINITIONS) as response:
        items = (await response.json())["items"]
    conditions = (one for item in items for one in item["status"]["conditions"] or ())
    return sum(one["type"] == "Established" and one["status"] == "True" for one in conditions)


async def _create(session: aiohttp.ClientSession) -> None:
    """Of about the same size, so that what is compared is the way that they take."""
    filling = "x" * (OBJECT_BYTES - 256)
    custom = {"apiVersion": "example.com/v1", "kind": "Kind0", "spec": {"replicas": 1, "config": {"a": filling}}}
    plain = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": filling}}
    figures = {}
    for what, path, body in (
        ("ConfigMap", f"/api/v1{_NAMESPACE}configmaps", plain),
        ("custom", f"/apis/example.com/v1{_NAMESPACE}kinds0", custom),
    ):

        async def write(name: str, path: str = path, body: dict[str, Any] = body) -> None:
            await _post(session, path, {**body, "metadata": {"name": name}})

        figures[what] = len(await load.write([write] * CONNECTIONS)) / load.WRITE_S
        tell(f"durable {what} creates over REST, {CONNECTIONS} connections", figures[what], "/s")
    tell("custom creates, share of ConfigMaps'", figures["custom"] / figures["ConfigMap"] * 100, "%")


async def _post(session: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> None:
    async with session.post(path, json=body) as response:
        assert response.status == 201, await response.text()
