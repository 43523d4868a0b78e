"""A client over WebSocket that only listens: to a watch, whose events are messages of text, or to a log."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Coroutine

from aiohttp import web

from master.apiserver.rest.call import Call
from master.apiserver.rest.streams import websocket
from master.apiserver.rest.streams.negotiation import WEBSOCKET, negotiated
from master.apiserver.rest.streams.websocket import WebSocketConnection

BASE64 = "base64.binary.k8s.io"
LOG_PROTOCOLS = ("binary.k8s.io", BASE64, "")

Write = Callable[[bytes], Awaitable[None]]
# Says it all; each piece is on its way when the write returns.
Tell = Callable[[Write], Coroutine[None, None, None]]


def is_asked(call: Call) -> bool:
    """Whether the client wants a WebSocket."""
    return call.headers.get("Upgrade", "").lower() == WEBSOCKET


async def watched(call: Call, tell: Tell) -> web.StreamResponse:
    """Each line is a message. Whatever subprotocol is named is spoken: it says nothing of events."""
    offered = call.headers.get("Sec-WebSocket-Protocol", "").partition(",")[0].strip()
    async with websocket.accepted(call, offered) as (response, client):

        async def write(lines: bytes) -> None:
            for line in lines.splitlines():
                await client.send_text(line.decode())

        await _served(client, tell(write))
    return response


async def logged(call: Call, tell: Tell) -> web.StreamResponse:
    """Each piece is a message; the first, which is empty, tells that the connection stands."""
    upgrade = negotiated(call.request.headers, LOG_PROTOCOLS, ())
    async with websocket.accepted(call, upgrade.protocol) as (response, client):

        async def write(content: bytes) -> None:
            if upgrade.protocol == BASE64:
                await client.send_text(base64.b64encode(content).decode())
            else:
                await client.send(content)

        await write(b"")
        await _served(client, tell(write))
    return response


async def _served(client: WebSocketConnection, telling: Coroutine[None, None, None]) -> None:
    """Until all is said, or the client has left."""
    sides = [asyncio.create_task(each) for each in (telling, _heard(client), client.beat())]
    try:
        await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
        if sides[0].done():
            sides[0].result()
    finally:
        for side in sides:
            side.cancel()
        await asyncio.gather(*sides, return_exceptions=True)  # those that are cut off have nothing to tell


async def _heard(client: WebSocketConnection) -> None:
    while await client.received() is not None:
        pass
