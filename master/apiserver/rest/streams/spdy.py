"""The connection of a client that speaks SPDY/3.1 after the answer 101.

aiohttp hands received bytes to a parser, as it does for WebSockets. Here the parser is `ReceiveBuffer`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from aiohttp import web

from master.apiserver.rest.call import Call
from master.apiserver.rest.streams.connection import ClientConnection
from podlab import spdy
from podlab.errors import BadRequest

# When this much has arrived and is not read, TCP holds the client back.
MOST_UNREAD_BYTES = 256 * 1024
# After GOAWAY the client has this long to read it and to close.
CLOSE_S = 5.0


class ReceiveBuffer:
    """Keeps received bytes until they are read. aiohttp's protocol fills it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._buffer = bytearray()
        self._ended = False
        self._arrived = asyncio.Event()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Called by aiohttp. The result means: not the end, and nothing left for another parser."""
        self._buffer += data
        self._arrived.set()
        if len(self._buffer) > MOST_UNREAD_BYTES:
            self._transport.pause_reading()
        return False, b""

    def feed_eof(self) -> None:
        """Called by aiohttp when the connection is lost."""
        self._ended = True
        self._arrived.set()

    async def taken(self) -> bytes | None:
        """All received bytes, at least one; None after the last."""
        while not self._buffer:
            if self._ended:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        content = bytes(self._buffer)
        self._buffer.clear()
        if len(content) > MOST_UNREAD_BYTES and not self._ended:
            self._transport.resume_reading()
        return content


class SpdyConnection(ClientConnection):
    """Made by `accepted`. A message is any piece of the byte stream; frames may begin anywhere in it."""

    def __init__(self, response: web.StreamResponse, inflow: ReceiveBuffer, protocol: str) -> None:
        super().__init__(protocol)
        self._response = response
        self._inflow = inflow
        self._pings = 0

    async def _next(self) -> bytes | None:
        return await self._inflow.taken()

    async def _put(self, message: bytes) -> None:
        await self._response.write(message)

    async def _ping(self) -> None:
        self._pings += 2  # a server's have even numbers
        await self._response.write(spdy.ping(self._pings))


@asynccontextmanager
async def accepted(call: Call, protocol: str) -> AsyncIterator[tuple[web.StreamResponse, SpdyConnection]]:
    """The client's connection, which is closed when the block ends. Raises BadRequest when it cannot be upgraded."""
    request = call.request
    if request.can_read_body:
        raise BadRequest("unable to upgrade: a request that upgrades to SPDY/3.1 has no body")
    if request.transport is None:
        raise BadRequest("unable to upgrade: the connection is lost")
    inflow = ReceiveBuffer(request.transport)
    request.protocol.set_parser(cast(Any, inflow))
    request.protocol.keep_alive(False)
    response = web.StreamResponse(status=101, headers={"Connection": "Upgrade", "Upgrade": "SPDY/3.1"})
    if protocol:
        response.headers["X-Stream-Protocol-Version"] = protocol
    await response.prepare(request)
    try:
        yield response, SpdyConnection(response, inflow, protocol)
    finally:
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CLOSE_S):
                await response.write(spdy.goaway(spdy.LAST_STREAM))
                while await inflow.taken() is not None:
                    pass  # closed with something unread, TCP would reset what is on its way to the client
