"""The connection to a client after its upgrade from HTTP: messages both ways, kept alive, within bounds.

Nothing is buffered: TCP slows down the faster side. While a message is passed on, nothing is read, so pings that are
sent meanwhile show the client that the server is alive.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

BEAT_S = 15.0
# A client that answers no ping, or reads nothing, for this long is gone. A user who reads in a pager may take long.
SILENCE_S = 600.0
# What a client sent before it left is still passed on. Answers to it are thrown away meanwhile, up to this many bytes.
UNHEARD_BYTES = 16 << 20


class ClientConnection(ABC):
    """A `WebSocketConnection` or an `SpdyConnection`."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self._listening_since: float | None = None
        self._left = False
        self._unheard_bytes = 0

    async def received(self) -> bytes | None:
        """The next message; None after the client has left."""
        self._heard()
        message = await self._next()
        self._listening_since = None
        self._left = self._left or message is None
        return message

    async def send(self, message: bytes) -> None:
        """Send, and wait until there is room. Raises TimeoutError, and ConnectionError after the client has left."""
        if not self._left:
            try:
                async with asyncio.timeout(SILENCE_S):
                    await self._put(message)
            except ConnectionError:
                self._left = True
            else:
                return
        self._unheard_bytes += len(message)
        if self._unheard_bytes > UNHEARD_BYTES:
            raise ConnectionError("the client has left, and there is no end of what it is told")

    async def beat(self) -> None:
        """Ping until the client has left. Raises TimeoutError for a silent client."""
        while not self._left:
            await asyncio.sleep(BEAT_S)
            since = self._listening_since
            if since is not None and asyncio.get_running_loop().time() - since > SILENCE_S:
                raise TimeoutError(f"the client has been silent for {SILENCE_S:.0f} s")
            try:
                await self._ping()
            except ConnectionError:
                return

    def _heard(self) -> None:
        """Note that the client is alive."""
        self._listening_since = asyncio.get_running_loop().time()

    @abstractmethod
    async def _next(self) -> bytes | None: ...

    @abstractmethod
    async def _put(self, message: bytes) -> None:
        """Raises ConnectionError."""

    @abstractmethod
    async def _ping(self) -> None:
        """Send what a client answers. Raises ConnectionError."""
