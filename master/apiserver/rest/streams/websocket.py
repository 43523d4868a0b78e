"""A WebSocket that a client has opened."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import WSMsgType, web

from master.apiserver.rest.call import Call
from master.apiserver.rest.streams import channels
from master.apiserver.rest.streams.connection import ClientConnection
from podlab.errors import BadRequest

CLOSE_S = 5.0
MAX_MESSAGE = 4 << 20


class WebSocketConnection(ClientConnection):
    """Made by `accepted`. A message is binary, or base64 text in protocols of that kind."""

    def __init__(self, response: web.WebSocketResponse[bool], protocol: str) -> None:
        super().__init__(protocol)
        self._response = response
        self._is_base64 = protocol in channels.BASE64

    async def _next(self) -> bytes | None:
        while True:
            message = await self._response.receive()
            match message.type:
                case WSMsgType.BINARY | WSMsgType.TEXT:
                    content = message.data if isinstance(message.data, bytes) else message.data.encode()
                    return channels.decoded(content) if self._is_base64 else content
                case WSMsgType.PING:
                    with contextlib.suppress(ConnectionError):  # it may have left since
                        await self._response.pong(message.data)
                case WSMsgType.PONG:
                    pass
                case _:
                    return None
            self._heard()

    async def _put(self, message: bytes) -> None:
        if self._is_base64:
            await self._response.send_str(channels.encoded(message))
        else:
            await self._response.send_bytes(message)

    async def send_text(self, text: str) -> None:
        """Send a text message in any protocol. Raises ConnectionError."""
        await self._response.send_str(text)

    async def _ping(self) -> None:
        await self._response.ping()
        await self._response.pong()  # while nothing is read, its own pings go without answer


@asynccontextmanager
async def accepted(call: Call, protocol: str) -> AsyncIterator[tuple[web.StreamResponse, WebSocketConnection]]:
    """The client's WebSocket, which is closed when the block ends. Raises BadRequest when it cannot be opened."""
    response: web.WebSocketResponse[bool] = web.WebSocketResponse(
        protocols=(protocol,) if protocol else (),
        autoping=False,
        compress=False,
        timeout=CLOSE_S,
        max_msg_size=MAX_MESSAGE,
    )
    try:
        await response.prepare(call.request)
    except web.HTTPBadRequest as error:
        raise BadRequest(f"unable to upgrade: {error.text}") from error
    try:
        yield response, WebSocketConnection(response, protocol)
    finally:
        with contextlib.suppress(ConnectionError):
            await response.close()
