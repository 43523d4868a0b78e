"""Port-forward as Kubernetes' Python client speaks it: each port has a channel for data and one for errors.

The first message on each channel is the port's number. A port has one connection. The WebSocket ends with the last of
them.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence

from master.apiserver.egress.kubelet.pod_connection import PodConnection
from master.apiserver.rest.streams import channels, lifetime
from master.apiserver.rest.streams.portforward.pod_dialer import PodDialer
from master.apiserver.rest.streams.websocket import WebSocketConnection
from podlab.errors import ApiError


class WebSocketForwarder:
    """Forwards the connections of one client."""

    def __init__(self, client: WebSocketConnection, pod: PodDialer, ports: Sequence[int]) -> None:
        self._client = client
        self._pod = pod
        self._ports = ports
        loop = asyncio.get_running_loop()
        self._connections: list[asyncio.Future[PodConnection | None]] = [loop.create_future() for _ in ports]

    async def run(self) -> None:
        """Run until the client leaves or all connections have ended. Raises ConnectionError, TimeoutError."""
        for index, port in enumerate(self._ports):
            for channel in (2 * index, 2 * index + 1):
                await self._client.send(channels.message(channel, struct.pack("<H", port)))
        await lifetime.relay_both_ways(self._upwards(), self._downwards(), self._client.beat())

    async def _upwards(self) -> None:
        while (message := await self._client.received()) is not None:
            index, is_error = divmod(message[0], 2) if message else (0, 1)
            if is_error or index >= len(self._ports):
                continue
            connection = await self._connections[index]
            if connection is not None:
                await connection.write(message[1:])
        for each in self._connections:
            if (connection := await each) is not None:
                await connection.end()

    async def _downwards(self) -> None:
        await asyncio.gather(*(self._connect(index) for index in range(len(self._ports))))

    async def _connect(self, index: int) -> None:
        port, made = self._ports[index], self._connections[index]
        try:
            async with self._pod.dial(port) as connection:
                made.set_result(connection)
                async for content in connection.received():
                    await self._client.send(channels.message(2 * index, content))
        except ApiError as error:
            await self._client.send(channels.message(2 * index + 1, self._pod.failure(port, error.message)))
        finally:
            if not made.done():
                made.set_result(None)
