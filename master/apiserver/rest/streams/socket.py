"""A WebSocket that a client has opened: messages both ways, kept alive, within bounds.

Nothing is buffered: TCP holds back whoever is faster than the other side. While a message is passed on nothing is
read, pings included; so pongs of ours tell the client that we live.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import WSMsgType, web

from master.apiserver.rest.call import Call
from podlab.errors import BadRequest

BEAT_S = 15.0
# A client that answers no ping, or takes nothing, for so long is gone. One that looks at a pager may take long.
SILENCE_S = 600.0
CLOSE_S = 5.0
MAX_MESSAGE = 4 << 20

log = logging.getLogger(__name__)


class Socket:
    """Made by `accepted`."""

    def __init__(self, response: web.WebSocketResponse[bool], protocol: str) -> None:
        self.protocol = protocol
        self._response = response
        self._listening_since: float | None = None

    async def received(self) -> bytes | None:
        """The next message; None once the client has left."""
        while True:
            self._listening_since = asyncio.get_running_loop().time()
            message = await self._response.receive()
            self._listening_since = None
            match message.type:
                case WSMsgType.BINARY:
                    return bytes(message.data)
                case WSMsgType.TEXT:
                    return str(message.data).encode()
                case WSMsgType.PING:
                    await self._response.pong(message.data)
                case WSMsgType.PONG:
                    continue
                case _:
                    return None

    async def send(self, message: bytes) -> None:
        """Returns when there is room for more. Raises ConnectionError, TimeoutError."""
        async with asyncio.timeout(SILENCE_S):
            await self._response.send_bytes(message)

    async def beat(self) -> None:
        """For as long as the client is there. Raises ConnectionError, TimeoutError when it is not."""
        while True:
            await asyncio.sleep(BEAT_S)
            since = self._listening_since
            if since is not None and asyncio.get_running_loop().time() - since > SILENCE_S:
                raise TimeoutError(f"the client has been silent for {SILENCE_S:.0f} s")
            await self._response.ping()
            await self._response.pong()


@asynccontextmanager
async def accepted(call: Call, protocols: Sequence[str]) -> AsyncIterator[tuple[web.StreamResponse, Socket]]:
    """The client's WebSocket, closed when the block is left. Raises BadRequest when it speaks none of the protocols.

    A client that has left, or takes nothing, ends the block quietly: nobody is there to be told.
    """
    protocol = negotiated(call, protocols)
    response: web.WebSocketResponse[bool] = web.WebSocketResponse(
        protocols=(protocol,), autoping=False, compress=False, timeout=CLOSE_S, max_msg_size=MAX_MESSAGE
    )
    try:
        await response.prepare(call.request)
    except web.HTTPBadRequest as error:
        raise BadRequest(f"unable to upgrade: {error.text}") from error
    try:
        yield response, Socket(response, protocol)
    except (ConnectionError, TimeoutError) as error:
        log.info("%s of %s/%s ends: %s", call.place.subresource, call.place.namespace, call.place.name, error)
    finally:
        with contextlib.suppress(ConnectionError):
            await response.close()


def negotiated(call: Call, protocols: Sequence[str]) -> str:
    """The client's first choice among the protocols. Raises BadRequest."""
    upgrade = call.headers.get("Upgrade", "").lower()
    if not upgrade:
        raise BadRequest("Upgrade request required")
    served = ", ".join(protocols)
    if upgrade != "websocket":
        raise BadRequest(f"unable to upgrade to {upgrade}: this server streams over WebSocket only, as {served}")
    offered = [one.strip() for one in call.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    for protocol in offered:
        if protocol in protocols:
            return protocol
    raise BadRequest(f"unable to negotiate a protocol: the client supports {offered}, this server {served}")


async def until_over(*sides: asyncio.Task[None]) -> None:
    """Waits for one of the sides to end, and ends the others. Raises what it met."""
    try:
        done, _ = await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for side in sides:
            side.cancel()
        await asyncio.gather(*sides, return_exceptions=True)  # those that are cut off have nothing to tell
    for side in done:
        side.result()
