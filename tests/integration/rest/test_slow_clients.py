"""Clients that are slow or silent cost little and hold up nobody; and those that ask much get their share only."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import aiohttp
import pytest
import uvloop
from aiohttp import web
from podlab_testing.cluster import Authority, Cluster
from podlab_testing.http_clients import SessionOf

from master.apiserver.rest import server as rest
from master.apiserver.rest.connections import ConnectionLimits
from master.apiserver.rest.content import response_writer

PODS = "/api/v1/namespaces/default/pods"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def raw(cluster: Cluster) -> AsyncIterator[Callable[..., Any]]:
    """Connections of nobody in particular, with TLS or without."""
    context = ssl.create_default_context(cafile=str(cluster.authority.tls().ca))
    opened: list[asyncio.StreamWriter] = []

    async def connect(*, tls: bool = True) -> Connection:
        port = cluster.settings.rest_port
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context if tls else None)
        opened.append(writer)
        return reader, writer

    yield connect
    for writer in opened:
        writer.transport.abort()
    await asyncio.sleep(0)


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connection limits as in production, but for how long they wait."""
    monkeypatch.setattr(rest, "ConnectionLimits", partial(ConnectionLimits, first_limit_s=0.3, idle_limit_s=0.3))
    monkeypatch.setattr(rest, "_SWEPT_EVERY_S", 0.05)


async def is_cut(connection: Connection) -> bool:
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while await connection[0].read(1 << 16):
                pass
    return True


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow:"], ids=["silent", "half a head"])
async def test_a_connection_that_never_asks_is_closed(strict: None, raw: Any, cluster: Cluster, sent: bytes) -> None:
    await cluster.stop()
    await cluster.start()
    connection = await raw()
    connection[1].write(sent)
    assert await is_cut(connection)


async def test_a_connection_without_tls_is_closed(strict: None, raw: Any, cluster: Cluster) -> None:
    await cluster.stop()
    await cluster.start()
    assert await is_cut(await raw(tls=False))


async def test_an_idle_connection_is_closed_after_its_answer(strict: None, raw: Any, cluster: Cluster) -> None:
    await cluster.stop()
    await cluster.start()
    connection = await raw()
    connection[1].write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await connection[0].readline()).startswith(b"HTTP/1.1 200")
    assert await is_cut(connection)


class Patient:
    """An API whose answers take longer than a connection may be silent."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(0.6)
        return web.Response(text="done")


# The deployed server runs on uvloop, these tests on asyncio: what the two tell of a connection is not the same.
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_connection_stays_while_it_is_answered_and_is_forgotten_when_it_goes(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, free_ports: tuple[int, int, int], run: Callable[[Any], None]
) -> None:
    monkeypatch.setattr(rest, "_SWEPT_EVERY_S", 0.05)
    limits: ConnectionLimits[Any] = ConnectionLimits(first_limit_s=0.2)

    async def ask() -> None:
        context = ssl.create_default_context(cafile=str(authority.tls().ca))
        async with rest.listening(Patient(), authority.tls(), "127.0.0.1", free_ports[2], limits):  # type: ignore[arg-type]
            reader, writer = await asyncio.open_connection("127.0.0.1", free_ports[2], ssl=context)
            async with asyncio.timeout(5):
                for _ in range(2):
                    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    assert (await reader.readuntil(b"done")).startswith(b"HTTP/1.1 200")
                assert len(limits) == 1
                writer.close()
                while len(limits):  # noqa: ASYNC110 -- aiohttp tells nobody else
                    await asyncio.sleep(0.01)

    run(ask())


async def hasty(cluster: Cluster, request: bytes) -> bytes:
    """What is answered to a request that comes in one piece with the end of the TLS handshake, as Go sends it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=str(cluster.authority.tls().ca))
    own = cluster.authority.tls()
    context.load_cert_chain(own.cert, own.key)
    tls = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    reader, writer = await asyncio.open_connection("127.0.0.1", cluster.settings.rest_port)
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


async def test_a_request_that_comes_with_the_end_of_tls_is_answered_to_its_end(strict: None, cluster: Cluster) -> None:
    await cluster.stop()
    await cluster.start()
    watch = b"GET /api/v1/configmaps?watch=true&timeoutSeconds=1 HTTP/1.1\r\nHost: x\r\n\r\n"
    async with asyncio.timeout(10):
        told = await hasty(cluster, watch)
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
    async with asyncio.timeout(5):
        assert b" 400 " in await reader.readline()


async def test_a_thousand_silent_connections_hold_up_nobody(
    monkeypatch: pytest.MonkeyPatch, raw: Any, cluster: Cluster, session_of: SessionOf
) -> None:
    limits: ConnectionLimits[Any] = ConnectionLimits(silent_of_address=100)
    monkeypatch.setattr(rest, "ConnectionLimits", lambda: limits)
    await cluster.stop()
    await cluster.start()
    for _ in range(1000):
        _, writer = await raw(tls=False)
        writer.write(b"\x16\x03\x01")  # how TLS begins, and no more
    started = time.perf_counter()
    async with session_of("kubernetes-admin").get(PODS) as response:
        assert response.status == 200
    assert time.perf_counter() - started < 2.0
    assert len(limits) <= 101


async def test_an_address_with_too_many_silent_connections_loses_its_oldest(
    monkeypatch: pytest.MonkeyPatch, raw: Any, cluster: Cluster, session_of: SessionOf
) -> None:
    monkeypatch.setattr(rest, "ConnectionLimits", partial(ConnectionLimits, silent_of_address=5))
    await cluster.stop()
    await cluster.start()
    first = await raw()
    for _ in range(5):
        await raw()
    assert await is_cut(first)
    async with session_of("kubernetes-admin").get("/readyz") as response:
        assert response.status == 200


async def test_a_client_that_does_not_take_its_answer_is_cut(
    monkeypatch: pytest.MonkeyPatch, cluster: Cluster, http: aiohttp.ClientSession
) -> None:
    monkeypatch.setattr(response_writer, "WRITE_LIMIT_S", 0.1)
    monkeypatch.setattr(response_writer, "_BYTES_PER_S", 1 << 30)
    body = {"metadata": {"name": "large"}, "data": {"x": "y" * 1_000_000}}
    async with http.post("/api/v1/namespaces/default/configmaps", json=body) as response:
        assert response.status == 201
    tls = cluster.authority.tls()
    context = ssl.create_default_context(cafile=str(tls.ca))
    context.load_cert_chain(tls.cert, tls.key)
    reader, writer = await asyncio.open_connection("127.0.0.1", cluster.settings.rest_port, ssl=context, limit=1 << 10)
    for _ in range(8):  # more than the sockets' buffers take
        writer.write(b"GET /api/v1/namespaces/default/configmaps/large HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.sleep(0.5)
    taken = 0
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        async with asyncio.timeout(5):
            while chunk := await reader.read(1 << 16):
                taken += len(chunk)
    writer.transport.abort()
    assert taken < 8_000_000
