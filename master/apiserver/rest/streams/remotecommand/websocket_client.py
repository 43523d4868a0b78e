"""A client of exec or attach over WebSocket: its streams are channels."""

from __future__ import annotations

from master.apiserver.rest.streams import channels
from master.apiserver.rest.streams.channels import ERROR, Input, InputEnd, Resize
from master.apiserver.rest.streams.remotecommand import exit_status
from master.apiserver.rest.streams.remotecommand.exit_status import Outcome
from master.apiserver.rest.streams.websocket import WebSocketConnection


class WebSocketClient:
    """Implements `Client`."""

    def __init__(self, connection: WebSocketConnection) -> None:
        self._connection = connection

    async def greet(self, lowest: int) -> None:
        await self._connection.send(channels.message(lowest, b""))

    async def received(self) -> Input | InputEnd | Resize | None:
        while (message := await self._connection.received()) is not None:
            if (meaning := channels.read(message, self._connection.protocol)) is not None:
                return meaning
        return None

    async def send(self, channel: int, content: bytes) -> None:
        await self._connection.send(channels.message(channel, content))

    async def end(self, outcome: Outcome) -> None:
        if status := exit_status.encoded(outcome, self._connection.protocol):
            await self._connection.send(channels.message(ERROR, status))

    async def beat(self) -> None:
        await self._connection.beat()
