"""Get and list at 5,000 pods, over gRPC and over REST. Cold: nobody has asked for that object's JSON before."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import pods
from apiserver import started, tell

from podlab.client.client import Client
from podlab.core.v1 import pod_pb2
from podlab.v1 import apiserver_pb2, apiserver_pb2_grpc

PODS = 5000
PAGE = 500
GETS = 300


async def measure() -> None:
    """One reader; nobody else asks for anything."""
    async with started() as server:
        await pods.fill([await server.connect() for _ in range(pods.FILLERS)], 0, PODS)
        session, client = await server.session(1), await server.connect()
        await _gets("REST, cold", lambda number: _get_json(session, number))
        await _gets("REST, warm", lambda number: _get_json(session, number))
        await _gets("gRPC", lambda number: client.get(pod_pb2.Pod, f"fill-{number}", "default"))
    async with started() as server:
        await pods.fill([await server.connect() for _ in range(pods.FILLERS)], 0, PODS)
        session, client = await server.session(1), await server.connect()
        for title in ("cold", "warm"):
            await _json_list(session, title)
        for title, asked in (
            ("plain", {}),
            ("with managedFields", {"managed_fields": True}),
            ("by label", {"label_selector": "app=web"}),
            ("of one node", {"field_selector": "spec.nodeName=n1"}),
        ):
            await _grpc_list(client, title, asked)


async def _gets(title: str, get: Callable[[int], Awaitable[object]]) -> None:
    took = []
    for number in range(GETS):
        begun = time.perf_counter()
        await get(number)
        took.append(time.perf_counter() - begun)
    took.sort()
    tell(f"get of one of {PODS} pods, {title}, p50", took[GETS // 2] * 1000, "ms", 2)
    tell(f"get of one of {PODS} pods, {title}, p99", took[GETS * 99 // 100] * 1000, "ms", 2)


async def _get_json(session: aiohttp.ClientSession, number: int) -> None:
    async with session.get(f"{pods.PATH}/fill-{number}") as response:
        response.raise_for_status()
        await response.read()


async def _json_list(session: aiohttp.ClientSession, title: str) -> None:
    begun = time.perf_counter()
    async with session.get(f"{pods.PATH}?limit={PODS}", headers={"Accept-Encoding": "identity"}) as response:
        response.raise_for_status()
        size = len(await response.read())
    tell(f"JSON list of {PODS} pods ({size / (1 << 20):.1f} MiB), {title}", (time.perf_counter() - begun) * 1000, "ms")


async def _grpc_list(client: Client, title: str, asked: Mapping[str, Any]) -> None:
    stub: Any = apiserver_pb2_grpc.ApiServerStub(client.channel)
    request = apiserver_pb2.ListRequest(kind="Pod", limit=PAGE, **asked)
    begun = time.perf_counter()
    while True:
        page = await stub.List(request)
        rest = getattr(page.metadata, "continue")
        if not rest:
            break
        setattr(request, "continue", rest)
    tell(f"gRPC list of {PODS} pods, {title}", (time.perf_counter() - begun) * 1000, "ms")
