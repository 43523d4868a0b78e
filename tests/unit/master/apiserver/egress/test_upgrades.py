"""Heads and bodies of answers to requests for an upgrade, from servers of all sorts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from multidict import CIMultiDict
from podlab_testing.waiting import WITHIN_S

from master.apiserver.egress import upgrades
from podlab.errors import ApiError, BadRequest, ServiceUnavailable


class Wire:
    """A connection to a server that says the same whatever it is asked, and hangs up."""

    def __init__(self) -> None:
        self.heard = b""
        self.says = b""
        self.port = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(EOFError):  # a request that is refused here is not sent
            self.heard = await reader.readuntil(b"\r\n\r\n")
        writer.write(self.says)
        await writer.drain()
        writer.close()

    async def ask(self, says: bytes, headers: CIMultiDict[str] | None = None) -> upgrades.Upgraded:
        self.says = says
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=upgrades.HEAD_BYTES)
        try:
            return await upgrades.ask(reader, writer, "GET", "/p?q", headers or CIMultiDict())
        except BaseException:
            await upgrades.closed(writer)
            raise


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    made = Wire()
    server = await asyncio.start_server(made.take, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(WITHIN_S):
        yield made
    server.close()


@pytest.mark.parametrize(
    ("said", "status", "headers", "body"),
    [
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nbytes", 101, {"upgrade": "x"}, b"bytes"),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nnope",
            403,
            {"content-length": "2"},
            b"no",
        ),
        (b"HTTP/1.0 500 \r\n\r\nto the end", 500, {}, b"to the end"),
        (
            b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n3;x=y\r\n way\r\n0\r\n\r\n",
            404,
            {"transfer-encoding": "chunked"},
            b"no way"[:5],
        ),
    ],
)  # fmt: skip
async def test_an_answer_has_a_head_and_what_follows(
    wire: Wire, said: bytes, status: int, headers: dict[str, str], body: bytes
) -> None:
    made = await wire.ask(said, CIMultiDict({"Host": "h", "Upgrade": "x"}))
    assert (made.status, {name.lower(): value for name, value in made.headers.items()}) == (status, headers)
    assert wire.heard == b"GET /p?q HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\n\r\n"
    found = await (made.reader.read() if status == 101 else made.refusal())
    assert found == body
    await upgrades.closed(made.writer)


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-server\r\n\r\n",
        b"HTTP/1.1 x\r\n\r\n",
        b"HTTP/1.1 101 Yes\r\nno colon\r\n\r\n",
        b"HTTP/1.1 101 Yes\r\n folded: x\r\n\r\n",
        b"HTTP/1.1 101 Yes\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_told(wire: Wire, said: bytes) -> None:
    with pytest.raises(ServiceUnavailable, match="malformed HTTP response"):
        await wire.ask(said)


async def test_a_server_that_hangs_up_is_told(wire: Wire) -> None:
    with pytest.raises(EOFError):
        await wire.ask(b"HTTP/1.1 101")


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 500 No\r\nContent-Length: 99999999\r\n\r\n",
        b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n",
        b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
        b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\nlong\r\n",
        b"HTTP/1.1 500 No\r\n\r\n" + b"x" * (upgrades.REFUSAL_BYTES + 1),
    ],
)
async def test_a_refusal_is_bounded(wire: Wire, said: bytes) -> None:
    made = await wire.ask(said)
    with pytest.raises(ApiError):
        await made.refusal()
    await upgrades.closed(made.writer)


async def test_a_header_cannot_hold_another(wire: Wire) -> None:
    with pytest.raises(BadRequest, match="more than one line"):
        await wire.ask(b"", CIMultiDict({"X": "a\r\nAuthorization: b"}))
