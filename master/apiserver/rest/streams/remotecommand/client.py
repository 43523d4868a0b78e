"""What a client of exec or attach does, in any protocol."""

from __future__ import annotations

from typing import Protocol

from master.apiserver.rest.streams.channels import Input, InputEnd, Resize
from master.apiserver.rest.streams.remotecommand.exit_status import Outcome


class Client(Protocol):
    """A `WebSocketClient` or an `SpdyClient`.

    All methods raise TimeoutError for a client that takes nothing, and BadRequest for nonsense.
    """

    async def greet(self, lowest: int) -> None:
        """Show the client that the connection is open, on the lowest channel that it reads, if the protocol can."""

    async def received(self) -> Input | InputEnd | Resize | None:
        """What the client sends next; None after it has left."""

    async def send(self, channel: int, content: bytes) -> None:
        """Send output of the command on STDOUT or STDERR."""

    async def end(self, outcome: Outcome) -> None:
        """Report how the command ended. This is done once, after all output."""

    async def beat(self) -> None:
        """Keep the connection alive until the client has left."""
