"""A WebSocket client that only reads: a watch, whose events are text messages, or a log."""

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
# Writes the whole answer. Each piece has been sent when its write returns.
Answer = Callable[[Write], Coroutine[None, None, None]]


def is_asked(call: Call) -> bool:
    """Whether the client asks for a WebSocket."""
    return call.headers.get("Upgrade", "").lower() == WEBSOCKET


async def watched(call: Call, answer: Answer) -> web.StreamResponse:
    """Answer a watch: each line is a message. Any subprotocol is accepted, because none changes the events."""
    offered = call.headers.get("Sec-WebSocket-Protocol", "").partition(",")[0].strip()
    async with websocket.accepted(call, offered) as (response, client):

        async def write(lines: bytes) -> None:
            for line in lines.splitlines():
                await client.send_text(line.decode())

        await _served(client, answer(write))
    return response


async def logged(call: Call, answer: Answer) -> web.StreamResponse:
    """Answer a log: each piece is a message. An empty first message shows that the connection is open."""
    upgrade = negotiated(call.request.headers, LOG_PROTOCOLS, ())
    async with websocket.accepted(call, upgrade.protocol) as (response, client):

        async def write(content: bytes) -> None:
            if upgrade.protocol == BASE64:
                await client.send_text(base64.b64encode(content).decode())
            else:
                await client.send(content)

        await write(b"")
        await _served(client, answer(write))
    return response


async def _served(client: WebSocketConnection, answering: Coroutine[None, None, None]) -> None:
    """Until all is said, or the client has left."""
    sides = [asyncio.create_task(each) for each in (answering, _heard(client), client.beat())]
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
