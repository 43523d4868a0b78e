"""The connection of a client that speaks SPDY/3.1 after the answer 101."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from master.apiserver.rest.call import Call
from master.apiserver.rest.streams import raw
from master.apiserver.rest.streams.connection import ClientConnection
from master.apiserver.rest.streams.raw import ReceiveBuffer
from podlab import spdy

# After GOAWAY the client has this long to read it and to close.
CLOSE_S = 5.0


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
    headers = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}
    if protocol:
        headers["X-Stream-Protocol-Version"] = protocol
    response, inflow = await raw.switched(call.request, headers)
    try:
        yield response, SpdyConnection(response, inflow, protocol)
    finally:
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CLOSE_S):
                await response.write(spdy.goaway(spdy.LAST_STREAM))
                while await inflow.taken() is not None:
                    pass  # closed with something unread, TCP would reset what is on its way to the client
