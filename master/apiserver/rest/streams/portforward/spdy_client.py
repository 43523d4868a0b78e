"""Port-forward as kubectl speaks it: SPDY/3.1, directly or in a WebSocket's messages.

For each connection the client opens a stream for errors and one for data. Both name the port and share a request
number. A message on the error stream ends the connection. All streams share one connection to the client, so a pod
that does not read holds up the others, as in Kubernetes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field

from master.apiserver.egress.kubelet.pod_connection import PodConnection
from master.apiserver.rest.streams.connection import ClientConnection
from master.apiserver.rest.streams.lifetime import LEAVE_S
from master.apiserver.rest.streams.portforward.pod_dialer import PodDialer
from podlab import spdy
from podlab.errors import ApiError

MOST_CONNECTIONS = 256

log = logging.getLogger(__name__)


@dataclass(slots=True)
class StreamPair:
    """The streams of one connection. A stream that is not open yet is 0."""

    request: str
    port: int
    error: int = 0
    data: int = 0
    connection: asyncio.Future[PodConnection | None] = field(default_factory=asyncio.Future)
    task: asyncio.Task[None] | None = None


class SpdyForwarder:
    """Forwards the connections of one client."""

    def __init__(self, client: ClientConnection, pod: PodDialer) -> None:
        self._client = client
        self._pod = pod
        self._frames = spdy.Reader()
        self._deflater = spdy.Deflater()
        self._pairs: dict[str, StreamPair] = {}
        self._by_stream: dict[int, StreamPair] = {}

    async def run(self) -> None:
        """Run until the client has left, and what it sent is passed on."""
        try:
            async with asyncio.TaskGroup() as connections:
                while (message := await self._client.received()) is not None:
                    for frame in self._frames.fed(message):
                        await self._take(frame, connections)
                await self._leave()
        except* (spdy.Malformed, ConnectionError, TimeoutError) as errors:
            log.info("a port-forward of pod %s/%s ends: %s", self._pod.namespace, self._pod.name, errors.exceptions[0])

    async def _leave(self) -> None:
        """End the input of each connection, and give it LEAVE_S to finish."""
        tasks = []
        for pair in list(self._pairs.values()):
            if pair.task is not None:
                tasks.append(pair.task)
                if (connection := await pair.connection) is not None:
                    await connection.end()
        if tasks:
            await asyncio.wait(tasks, timeout=LEAVE_S)
        for task in tasks:
            task.cancel()

    async def _take(self, frame: spdy.Frame, connections: asyncio.TaskGroup) -> None:
        match frame:
            case spdy.Data():
                await self._take_data(frame)
            case spdy.Opened():
                await self._open(frame, connections)
            case spdy.Ping(number) if number % 2:
                await self._client.send(spdy.ping(number))
            case spdy.Reset(number) if (pair := self._by_stream.get(number)) is not None:
                if pair.task is None:
                    self._forget(pair)  # the other stream of the pair will not come either
                elif pair.data == number:
                    pair.task.cancel()

    async def _take_data(self, frame: spdy.Data) -> None:
        pair = self._by_stream.get(frame.stream)
        if pair is None or pair.data != frame.stream:
            return  # it has ended, or the client closes its side of the error stream
        if pair.task is None:
            raise spdy.Malformed(f"data on stream {frame.stream} before its stream for errors is open")
        connection = await pair.connection
        if connection is not None and frame.content:
            await connection.write(frame.content)
        if connection is not None and frame.last:
            await connection.end()

    async def _open(self, opened: spdy.Opened, connections: asyncio.TaskGroup) -> None:
        """Accept a stream, and connect when both streams of the pair are open."""
        number, headers = opened.stream, opened.headers
        port, kind, request = headers.get("port", ""), headers.get("streamtype", ""), headers.get("requestid", "")
        pair = self._pairs.get(request)
        fits = kind in ("error", "data") and _is_port(port) and (pair is None or not getattr(pair, kind))
        if not fits or (pair is None and len(self._pairs) >= MOST_CONNECTIONS):
            await self._client.send(spdy.refused(number))
            return
        await self._client.send(spdy.syn_reply(number, self._deflater.block({})))
        pair = pair or self._pairs.setdefault(request, StreamPair(request, int(port)))
        setattr(pair, kind, number)
        self._by_stream[number] = pair
        if pair.error and pair.data:
            pair.task = connections.create_task(self._connect(pair))

    async def _connect(self, pair: StreamPair) -> None:
        """Run one connection."""
        # `run` notices a client that has left.
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
                self._forget(pair)
            await self._client.send(spdy.data_frame(pair.error, b"", last=True))
            await self._client.send(spdy.data_frame(pair.data, b"", last=True))

    def _forget(self, pair: StreamPair) -> None:
        for number in (pair.error, pair.data):
            self._by_stream.pop(number, None)
        self._pairs.pop(pair.request, None)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= 65535
