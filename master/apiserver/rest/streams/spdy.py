"""The raw connection of a client that goes on in SPDY/3.1 after the answer 101.

aiohttp hands what arrives to the protocol's parser, as it does for WebSockets; here that is `ReceiveBuffer`.
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

# What has arrived and is not yet read; then TCP holds the client back.
MOST_UNREAD_BYTES = 256 * 1024
# The client is told that all is over, and has this long to take it and to close.
CLOSE_S = 5.0


class ReceiveBuffer:
    """What arrives, as aiohttp's protocol delivers it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._buffer = bytearray()
        self._ended = False
        self._arrived = asyncio.Event()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """From aiohttp: never the end of it, and nothing for another parser."""
        self._buffer += data
        self._arrived.set()
        if len(self._buffer) > MOST_UNREAD_BYTES:
            self._transport.pause_reading()
        return False, b""

    def feed_eof(self) -> None:
        """From aiohttp: the connection is lost."""
        self._ended = True
        self._arrived.set()

    async def taken(self) -> bytes | None:
        """All that is there, at least a byte; None after the last."""
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
    """Made by `accepted`. A message is a piece of the stream of bytes, wherever its frames begin."""

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
    """The client's connection, closed when the block is left. Raises BadRequest when it cannot be."""
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
