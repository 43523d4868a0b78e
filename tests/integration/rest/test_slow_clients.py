"""Clients that are slow or silent cost little and hold up nobody; and those that ask much get their share only."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest
import uvloop
from aiohttp import web
from podlab_testing.cluster import Authority, Cluster
from podlab_testing.http_clients import SessionOf
from podlab_testing.rest_listeners import RestListeners
from podlab_testing.waiting import WITHIN_S, until

from master.apiserver.rest.connections import FIRST_LIMIT_S, ConnectionLimits
from master.apiserver.rest.content.response_writer import WriteLimits
from master.apiserver.rest.server import listening

PODS = "/api/v1/namespaces/default/pods"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def raw(cluster: Cluster) -> AsyncIterator[Callable[..., Any]]:
    """Connections of nobody in particular, with TLS or without."""
    context = ssl.create_default_context(cafile=str(cluster.authority.tls().ca))
    opened: list[asyncio.StreamWriter] = []

    async def connect(port: int = cluster.settings.rest_port, *, tls: bool = True) -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context if tls else None)
        opened.append(writer)
        return reader, writer

    yield connect
    for writer in opened:
        writer.transport.abort()
    await asyncio.sleep(0)


@pytest.fixture
async def strict(listeners: RestListeners) -> int:
    """The port of a listener that waits as the deployed one does, but less long."""
    return await listeners.listen(limits=ConnectionLimits(first_limit_s=0.3, idle_limit_s=0.3), swept_every_s=0.05)


async def nobody_is_connected(limits: ConnectionLimits[Any]) -> None:
    """Returns when the server has forgotten every connection."""
    await until(lambda: not len(limits), "no connection")


async def is_cut(connection: Connection) -> bool:
    """Within less than the limits that are set by default: those of the test are in force."""
    async with asyncio.timeout(FIRST_LIMIT_S / 2):
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while await connection[0].read(1 << 16):
                pass
    return True


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow:"], ids=["silent", "half a head"])
async def test_a_connection_that_never_asks_is_closed(strict: int, raw: Any, sent: bytes) -> None:
    connection = await raw(strict)
    connection[1].write(sent)
    assert await is_cut(connection)


async def test_a_connection_without_tls_is_closed(strict: int, raw: Any) -> None:
    assert await is_cut(await raw(strict, tls=False))


async def test_an_idle_connection_is_closed_after_its_answer(strict: int, raw: Any) -> None:
    connection = await raw(strict)
    connection[1].write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await connection[0].readline()).startswith(b"HTTP/1.1 200")
    assert await is_cut(connection)


class NotedLimits(ConnectionLimits[Any]):
    """Know when silent connections were last looked for."""

    looked_s: float = 0.0

    def overdue(self, now: float) -> Iterator[Any]:
        self.looked_s = now
        return super().overdue(now)


@dataclass
class Patient:
    """An API whose answers take longer than a connection may be silent."""

    limits: NotedLimits

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        overdue_s = asyncio.get_running_loop().time() + self.limits.first_limit_s
        await until(lambda: self.limits.looked_s >= overdue_s, "a look at silent connections")
        return web.Response(text="done")


# The deployed server runs on uvloop, these tests on asyncio: what the two tell of a connection is not the same.
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_connection_stays_while_it_is_answered_and_is_forgotten_when_it_goes(
    authority: Authority, free_ports: tuple[int, int, int], run: Callable[[Any], None]
) -> None:
    limits = NotedLimits(first_limit_s=0.2)

    async def ask() -> None:
        context = ssl.create_default_context(cafile=str(authority.tls().ca))
        api: Any = Patient(limits)
        port = free_ports[2]
        async with listening(api, authority.tls(), "127.0.0.1", port, limits=limits, swept_every_s=0.05):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            async with asyncio.timeout(WITHIN_S):
                for _ in range(2):
                    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    assert (await reader.readuntil(b"done")).startswith(b"HTTP/1.1 200")
                assert len(limits) == 1
                writer.close()
                await nobody_is_connected(limits)

    run(ask())


async def hasty(cluster: Cluster, port: int, request: bytes) -> bytes:
    """What is answered to a request that comes in one piece with the end of the TLS handshake, as Go sends it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=str(cluster.authority.tls().ca))
    own = cluster.authority.tls()
    context.load_cert_chain(own.cert, own.key)
    tls = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    told = bytearray()
    try:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                incoming.write(await reader.read(1 << 16))
        tls.write(request)
        writer.write(outgoing.read())
        while True:
            try:
                told += tls.read(1 << 16)
            except ssl.SSLWantReadError:
                received = await reader.read(1 << 16)
                if not received:
                    return bytes(told)
                incoming.write(received)
    except (ConnectionError, ssl.SSLError):
        return bytes(told)
    finally:
        writer.transport.abort()


async def test_a_request_that_comes_with_the_end_of_tls_is_answered_to_its_end(strict: int, cluster: Cluster) -> None:
    watch = b"GET /api/v1/configmaps?watch=true&timeoutSeconds=1 HTTP/1.1\r\nHost: x\r\n\r\n"
    async with asyncio.timeout(WITHIN_S):
        told = await hasty(cluster, strict, watch)
    assert told.startswith(b"HTTP/1.1 200")
    assert told.endswith(b"0\r\n\r\n")  # the end that it asked for, and not ours


@pytest.mark.parametrize(
    "head",
    [b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A: x\r\n" * 500],
    ids=["a long line", "many headers"],
)
async def test_a_head_that_is_too_large_is_refused(raw: Any, head: bytes) -> None:
    reader, writer = await raw()
    writer.write(head)
    async with asyncio.timeout(WITHIN_S):
        assert b" 400 " in await reader.readline()


async def test_a_thousand_silent_connections_hold_up_nobody(
    listeners: RestListeners, raw: Any, session_of: SessionOf
) -> None:
    """They would stay for an hour."""
    limits: ConnectionLimits[Any] = ConnectionLimits(silent_of_address=100, first_limit_s=3600)
    port = await listeners.listen(limits=limits)
    for _ in range(1000):
        _, writer = await raw(port, tls=False)
        writer.write(b"\x16\x03\x01")  # how TLS begins, and no more
    url, admin = f"https://127.0.0.1:{port}{PODS}", session_of("kubernetes-admin")
    async with asyncio.timeout(WITHIN_S), admin.get(url) as response:
        assert response.status == 200
    assert len(limits) <= 101


async def test_an_address_with_too_many_silent_connections_loses_its_oldest(
    listeners: RestListeners, raw: Any, session_of: SessionOf
) -> None:
    port = await listeners.listen(limits=ConnectionLimits(silent_of_address=5))
    first = await raw(port)
    for _ in range(5):
        await raw(port)
    assert await is_cut(first)
    async with session_of("kubernetes-admin").get(f"https://127.0.0.1:{port}/readyz") as response:
        assert response.status == 200


async def test_a_client_that_does_not_take_its_answer_is_cut(
    listeners: RestListeners, cluster: Cluster, http: aiohttp.ClientSession
) -> None:
    limits: ConnectionLimits[Any] = ConnectionLimits()
    api = replace(listeners.api, write_limits=WriteLimits(limit_s=0.1, bytes_per_s=1 << 30))
    port = await listeners.listen(api, limits)
    body = {"metadata": {"name": "large"}, "data": {"x": "y" * 1_000_000}}
    async with http.post("/api/v1/namespaces/default/configmaps", json=body) as response:
        assert response.status == 201
    tls = cluster.authority.tls()
    context = ssl.create_default_context(cafile=str(tls.ca))
    context.load_cert_chain(tls.cert, tls.key)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, limit=1 << 10)
    for _ in range(8):  # more than the sockets' buffers take
        writer.write(b"GET /api/v1/namespaces/default/configmaps/large HTTP/1.1\r\nHost: x\r\n\r\n")
    await nobody_is_connected(limits)
    taken = 0
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        async with asyncio.timeout(WITHIN_S):
            while chunk := await reader.read(1 << 16):
                taken += len(chunk)
    writer.transport.abort()
    assert taken < 8_000_000
