"""Who speaks exec or attach, whatever the protocol."""

from __future__ import annotations

from typing import Protocol

from master.apiserver.rest.streams.channels import Input, InputEnd, Resize
from master.apiserver.rest.streams.remotecommand.exit_status import Outcome


class Client(Protocol):
    """A `WebSocketClient` or an `SpdyClient`.

    All methods raise TimeoutError for a client that takes nothing, and BadRequest for nonsense.
    """

    async def greet(self, lowest: int) -> None:
        """Tells that the connection stands, where it can be told, on the lowest channel that it listens to."""

    async def said(self) -> Input | InputEnd | Resize | None:
        """What the client says next; None once it has left."""

    async def tell(self, channel: int, content: bytes) -> None:
        """What the command says on STDOUT or STDERR."""

    async def end(self, outcome: Outcome) -> None:
        """How it ended; once, and last."""

    async def beat(self) -> None:
        """Keeps the connection alive until the client has left."""
