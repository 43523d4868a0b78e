"""Port-forward as kubectl speaks it: SPDY/3.1 in the WebSocket's messages, with two streams for each connection.

The client opens a stream for errors and one for data, which name the port and share a request number. What is said on
the error stream ends the connection. The streams share one way up: a pod that does not read holds up its neighbours, as
in Kubernetes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from dataclasses import dataclass, field

from master.apiserver.rest.streams.dialed import Connection, Pod
from master.apiserver.rest.streams.socket import Socket
from podlab import spdy
from podlab.errors import ApiError

MOST_CONNECTIONS = 256
_REFUSED = 3

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Pair:
    """The streams of one connection, as far as they are there yet."""

    port: int
    error: int = 0
    data: int = 0
    connection: asyncio.Future[Connection | None] = field(default_factory=asyncio.Future)
    task: asyncio.Task[None] | None = None


class Tunnel:
    """Of one client."""

    def __init__(self, client: Socket, pod: Pod) -> None:
        self._client = client
        self._pod = pod
        self._inflater = spdy.Inflater()
        self._deflater = spdy.Deflater()
        self._pairs: dict[str, Pair] = {}
        self._by_stream: dict[int, Pair] = {}

    async def run(self) -> None:
        """Until the client leaves. Raises ConnectionError, TimeoutError."""
        buffer = bytearray()
        try:
            async with asyncio.TaskGroup() as connections:
                while (message := await self._client.received()) is not None:
                    buffer += message
                    for frame in spdy.split(buffer):
                        await self._take(frame, connections)
                for pair in self._pairs.values():
                    if pair.task is not None:
                        pair.task.cancel()
        except* spdy.Malformed as errors:
            log.info("a port-forward of pod %s/%s ends: %s", self._pod.namespace, self._pod.name, errors.exceptions[0])

    async def _take(self, frame: spdy.Data | spdy.Control, connections: asyncio.TaskGroup) -> None:
        if isinstance(frame, spdy.Data):
            await self._take_data(frame)
        elif frame.kind == spdy.SYN_STREAM:
            await self._open(frame, connections)
        elif frame.kind == spdy.PING:
            await self._client.send(spdy.control_frame(spdy.PING, frame.payload))
        elif frame.kind == spdy.RST_STREAM:
            pair = self._by_stream.get(frame.stream)
            if pair is not None and pair.task is not None and pair.data == frame.stream:
                pair.task.cancel()

    async def _take_data(self, frame: spdy.Data) -> None:
        pair = self._by_stream.get(frame.stream)
        if pair is None or pair.data != frame.stream:
            return  # it has ended, or the client closes its side of the error stream
        connection = await pair.connection
        if connection is not None and frame.content:
            await connection.write(frame.content)
        if connection is not None and frame.last:
            await connection.end()

    async def _open(self, frame: spdy.Control, connections: asyncio.TaskGroup) -> None:
        """Takes a stream on, and makes the connection once both are there."""
        number, headers = spdy.opened(frame, self._inflater)
        port, kind, request = headers.get("port", ""), headers.get("streamtype", ""), headers.get("requestid", "")
        pair = self._pairs.get(request)
        fits = kind in ("error", "data") and port.isdecimal() and (pair is None or not getattr(pair, kind))
        if not fits or (pair is None and len(self._pairs) >= MOST_CONNECTIONS):
            await self._client.send(spdy.control_frame(spdy.RST_STREAM, struct.pack("!II", number, _REFUSED)))
            return
        await self._client.send(spdy.syn_reply(number, self._deflater.block({})))
        pair = pair or self._pairs.setdefault(request, Pair(int(port)))
        setattr(pair, kind, number)
        self._by_stream[number] = pair
        if pair.error and pair.data:
            pair.task = connections.create_task(self._connect(request, pair))

    async def _connect(self, request: str, pair: Pair) -> None:
        """One connection, from its beginning to its end."""
        # A client that has left ends the tunnel, where it is noticed.
        with contextlib.suppress(ConnectionError, TimeoutError):
            try:
                async with self._pod.dial(pair.port) as connection:
                    pair.connection.set_result(connection)
                    async for content in connection.received():
                        await self._client.send(spdy.data_frame(pair.data, content))
            except ApiError as error:
                await self._client.send(spdy.data_frame(pair.error, self._pod.failure(pair.port, error.message)))
            finally:
                if not pair.connection.done():
                    pair.connection.set_result(None)
                for number in (pair.error, pair.data):
                    self._by_stream.pop(number, None)
                self._pairs.pop(request, None)
            await self._client.send(spdy.data_frame(pair.error, b"", last=True))
            await self._client.send(spdy.data_frame(pair.data, b"", last=True))
