"""A client of exec or attach over WebSocket: its streams are channels."""

from __future__ import annotations

from master.apiserver.rest.streams import channels
from master.apiserver.rest.streams.channels import ERROR, Input, InputEnd, Resize
from master.apiserver.rest.streams.remotecommand import exit_status
from master.apiserver.rest.streams.remotecommand.exit_status import Outcome
from master.apiserver.rest.streams.websocket import WebSocketConnection


class WebSocketClient:
    """Implements `Client`."""

    def __init__(self, client: WebSocketConnection) -> None:
        self._client = client

    async def greet(self, lowest: int) -> None:
        await self._client.send(channels.message(lowest, b""))

    async def said(self) -> Input | InputEnd | Resize | None:
        while (message := await self._client.received()) is not None:
            if (meaning := channels.read(message, self._client.protocol)) is not None:
                return meaning
        return None

    async def tell(self, channel: int, content: bytes) -> None:
        await self._client.send(channels.message(channel, content))

    async def end(self, outcome: Outcome) -> None:
        if told := exit_status.told(outcome, self._client.protocol):
            await self._client.send(channels.message(ERROR, told))

    async def beat(self) -> None:
        await self._client.beat()
