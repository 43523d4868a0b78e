"""The connection of a client after the answer 101, as the bytes that it carries.

aiohttp hands received bytes to a parser, as it does for WebSockets. Here the parser is `ReceiveBuffer`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from aiohttp import web

from podlab.errors import BadRequest

# When this much has arrived and is not read, TCP holds the client back.
MOST_UNREAD_BYTES = 256 * 1024


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


async def switched(request: web.BaseRequest, headers: Mapping[str, str]) -> tuple[web.StreamResponse, ReceiveBuffer]:
    """Answer 101 with these headers; what is written to the response from then on goes to the client as it is.

    Raises BadRequest when the connection cannot be upgraded.
    """
    if request.can_read_body:
        raise BadRequest("unable to upgrade: a request for an upgrade has no body")
    if request.transport is None:
        raise BadRequest("unable to upgrade: the connection is lost")
    inflow = ReceiveBuffer(request.transport)
    request.protocol.set_parser(cast(Any, inflow))
    request.protocol.keep_alive(False)
    response = web.StreamResponse(status=101, headers=headers)
    await response.prepare(request)
    return response, inflow
