"""A client of exec or attach over SPDY/3.1: it opens a stream for each of stdin, stdout, stderr, error and resize."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection

from master.apiserver.rest.streams import channels
from master.apiserver.rest.streams.channels import ERROR, RESIZE, STDERR, STDIN, STDOUT, Input, InputEnd, Resize
from master.apiserver.rest.streams.remotecommand import exit_status
from master.apiserver.rest.streams.remotecommand.exit_status import Outcome
from master.apiserver.rest.streams.spdy import SpdyConnection
from podlab import spdy
from podlab.errors import BadRequest

PROTOCOLS = ("v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io", "")
# Protocols that have terminal sizes: from version 3 on.
RESIZABLE = PROTOCOLS[:2]
OPEN_S = 30.0
# How much a client may send before all of its streams are open.
MOST_EARLY_BYTES = 1 << 20
_NAMES = {"stdin": STDIN, "stdout": STDOUT, "stderr": STDERR, "error": ERROR, "resize": RESIZE}
_MOST_SIZE_BYTES = 1024


class SpdyClient:
    """Implements `Client`. The streams in `wanted` are open when `greet` has returned."""

    def __init__(self, connection: SpdyConnection, wanted: Collection[int]) -> None:
        self._connection = connection
        self._wanted = wanted
        self._frames = spdy.Reader()
        self._deflater = spdy.Deflater()
        self._streams: dict[int, int] = {}  # channel -> its stream's number
        self._channels: dict[int, int] = {}  # and back
        self._received: deque[Input | InputEnd | Resize] = deque()
        self._size = b""

    async def greet(self, lowest: int) -> None:
        """Raises BadRequest, TimeoutError, ConnectionError."""
        early_bytes = 0
        try:
            async with asyncio.timeout(OPEN_S):
                while set(self._wanted) - self._streams.keys():
                    size = await self._listen()
                    early_bytes += size
                    if not size:
                        raise ConnectionError("the client has left before its streams were open")
                    if early_bytes > MOST_EARLY_BYTES:
                        raise BadRequest(f"more than {MOST_EARLY_BYTES} bytes before all streams were open")
        except TimeoutError as error:
            raise BadRequest(f"timed out waiting for client to create streams within {OPEN_S:.0f} s") from error

    async def received(self) -> Input | InputEnd | Resize | None:
        while not self._received:
            if not await self._listen():
                return None
        return self._received.popleft()

    async def send(self, channel: int, content: bytes) -> None:
        for start in range(0, len(content), spdy.MAX_DATA):
            piece = content[start : start + spdy.MAX_DATA]
            await self._connection.send(spdy.data_frame(self._streams[channel], piece))

    async def end(self, outcome: Outcome) -> None:
        """End each stream, the one with the status last."""
        for channel in (STDOUT, STDERR):
            if channel in self._streams:
                await self._connection.send(spdy.data_frame(self._streams[channel], b"", last=True))
        if ERROR in self._streams:
            status = exit_status.encoded(outcome, self._connection.protocol)
            await self._connection.send(spdy.data_frame(self._streams[ERROR], status, last=True))

    async def beat(self) -> None:
        await self._connection.beat()

    async def _listen(self) -> int:
        """Take in the next message. Returns its size, or 0 after the client has left. Raises BadRequest."""
        content = await self._connection.received()
        if content is None:
            return 0
        try:
            for frame in self._frames.fed(content):
                await self._take(frame)
        except spdy.Malformed as error:
            raise BadRequest(f"the streams break off: {error}") from error
        return len(content)

    async def _take(self, frame: spdy.Frame) -> None:
        match frame:
            case spdy.Opened(number, headers):
                await self._open(number, headers.get("streamtype", ""))
            case spdy.Data(number, content, last):
                self._take_data(self._channels.get(number), content, last=last)
            case spdy.Reset(number) if self._channels.get(number) == STDIN:
                self._take_data(STDIN, b"", last=True)
            case spdy.Ping(number) if number % 2:
                await self._connection.send(spdy.ping(number))

    async def _open(self, number: int, name: str) -> None:
        channel = _NAMES.get(name)
        if channel is None or channel not in self._wanted or channel in self._streams:
            await self._connection.send(spdy.refused(number))
            return
        self._streams[channel], self._channels[number] = number, channel
        await self._connection.send(spdy.syn_reply(number, self._deflater.block({})))

    def _take_data(self, channel: int | None, content: bytes, *, last: bool) -> None:
        if channel == STDIN:
            if content:
                self._received.append(Input(content))
            if last:
                self._channels.pop(self._streams[STDIN], None)  # data after the end is ignored
                self._received.append(InputEnd())
        elif channel == RESIZE:
            *whole, rest = (self._size + content).split(b"}")
            self._size = rest[-_MOST_SIZE_BYTES:]
            self._received.extend(size for each in whole if (size := channels.terminal_size(each + b"}")) is not None)
