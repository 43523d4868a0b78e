"""A client of SPDY/3.1, as far as a runtime's streaming server needs one.

Of the protocols that containerd 1.6 serves for exec only this one can close a stream in one direction, so that a
command sees the end of its stdin and its output still arrives. Headers of the server are ignored. The server's library
has no flow control; TCP's holds a fast sender back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

from podlab import spdy
from podlab.spdy import MAX_DATA

READ_BYTES = 64 * 1024
CONNECT_TIMEOUT_S = 10.0


class SpdyError(Exception):
    """The server answered something unexpected, which the message has."""


class SpdyConnection:
    """Streams by their names. Open it with `connect`, and `close` it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, names: Sequence[str], protocol: str
    ) -> None:
        self.protocol = protocol
        self._reader = reader
        self._writer = writer
        # A client's streams have odd numbers.
        self._ids = {name: 2 * index + 1 for index, name in enumerate(names)}
        self._names = {number: name for name, number in self._ids.items()}
        self.ended: set[str] = set()  # streams that the server has closed

    async def send(self, name: str, content: bytes, *, last: bool = False) -> None:
        """Raises ConnectionError when the server has closed the connection."""
        for start in range(0, max(1, len(content)), MAX_DATA):
            piece = content[start : start + MAX_DATA]
            end = start + MAX_DATA >= len(content)
            if self._writer.transport.is_closing():
                raise ConnectionResetError("the runtime's connection is closed")
            self._writer.write(spdy.data_frame(self._ids[name], piece, last=last and end))
            await self._writer.drain()

    async def received(self) -> AsyncIterator[tuple[str, bytes]]:
        """What arrives, with the stream's name, until the server ends the connection. Raises spdy.Malformed."""
        buffer = bytearray()
        while chunk := await self._read():
            buffer += chunk
            for frame in spdy.split(buffer):
                if isinstance(frame, spdy.Data):
                    if frame.last:
                        self.ended.add(self._names.get(frame.stream, ""))
                    if frame.content:
                        yield self._names.get(frame.stream, ""), frame.content
                elif frame.kind == spdy.PING:
                    self._writer.write(spdy.control_frame(spdy.PING, frame.payload))
                elif frame.kind == spdy.GOAWAY:
                    return
                # Nothing more comes on a stream that the server resets.

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(READ_BYTES)
        except ConnectionError:
            return b""

    def close(self) -> None:
        self._writer.transport.abort()

    async def open_streams(self) -> None:
        headers = spdy.Deflater()
        for name, number in self._ids.items():
            self._writer.write(spdy.syn_stream(number, headers.block({"streamtype": name})))
        await self._writer.drain()


async def connect(url: str, names: Sequence[str], protocols: Sequence[str]) -> SpdyConnection:
    """Opens the streams at a URL; `protocols` are offered in order. Raises SpdyError, OSError."""
    target = urlsplit(url)
    if target.scheme != "http" or target.hostname is None or target.port is None:
        raise SpdyError(f"{url}: only http://host:port is expected of a runtime on the same host")
    request = "".join(
        f"{line}\r\n"
        for line in (
            f"POST {target.path}{'?' + target.query if target.query else ''} HTTP/1.1",
            f"Host: {target.netloc}",
            "Connection: Upgrade",
            "Upgrade: SPDY/3.1",
            *(f"X-Stream-Protocol-Version: {protocol}" for protocol in protocols),
            "Content-Length: 0",
            "",
        )
    )
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        reader, writer = await asyncio.open_connection(target.hostname, target.port)
        try:
            writer.write(request.encode())
            protocol = await _upgraded(reader, url)
            connection = SpdyConnection(reader, writer, names, protocol)
            await connection.open_streams()
        except BaseException:
            writer.close()
            raise
    return connection


async def _upgraded(reader: asyncio.StreamReader, url: str) -> str:
    """The protocol that the server chose."""
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace").split("\r\n")
    if " 101 " not in f"{status} ":
        body = (await reader.read(1024)).decode(errors="replace").strip()
        raise SpdyError(f"{url}: expected 101 Switching Protocols, got {status}: {body}")
    headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    return headers.get("x-stream-protocol-version", "")
