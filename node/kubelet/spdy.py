"""A client of SPDY/3.1, as far as a runtime's exec server needs one.

Of the protocols that containerd 1.6 serves for exec this is the one in which a stream can be closed in one direction,
so that a command sees the end of its stdin and its output still arrives. Headers that the server sends are not looked
at, and ours are compressed without SPDY's dictionary, which readers accept. There is no flow control in the server's
library; TCP's is what holds a fast sender back.
"""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

SYN_STREAM, PING, GOAWAY = 1, 6, 7
FIN = 0x01
_VERSION = 3
_CONTROL = 0x8000
MAX_DATA = 32 * 1024
CONNECT_TIMEOUT_S = 10.0


class SpdyError(Exception):
    """The server does not speak as expected; the message has its words."""


def frame(kind: int, payload: bytes) -> bytes:
    """A control frame without flags."""
    return struct.pack("!HHI", _CONTROL | _VERSION, kind, len(payload)) + payload


def data_frame(stream: int, content: bytes, *, last: bool = False) -> bytes:
    return struct.pack("!II", stream, (FIN if last else 0) << 24 | len(content)) + content


class Headers:
    """Compresses header blocks; all blocks of a connection are one zlib stream."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj()

    def block(self, headers: dict[str, str]) -> bytes:
        plain = struct.pack("!I", len(headers))
        for name, value in headers.items():
            for text in (name.encode(), value.encode()):
                plain += struct.pack("!I", len(text)) + text
        return self._compressor.compress(plain) + self._compressor.flush(zlib.Z_SYNC_FLUSH)


class Connection:
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
        self.ended: set[str] = set()  # streams on which the server says no more

    async def send(self, name: str, content: bytes, *, last: bool = False) -> None:
        """Raises ConnectionError when the server has left."""
        for start in range(0, max(1, len(content)), MAX_DATA):
            piece = content[start : start + MAX_DATA]
            end = start + MAX_DATA >= len(content)
            self._writer.write(data_frame(self._ids[name], piece, last=last and end))
            await self._writer.drain()

    def unsent_bytes(self) -> int:
        """What was sent and could not go out yet, because the server does not read."""
        return self._writer.transport.get_write_buffer_size()

    async def received(self) -> AsyncIterator[tuple[str, bytes]]:
        """What arrives, with the stream's name, until the server ends the connection."""
        while True:
            try:
                head = await self._reader.readexactly(8)
                first, second = struct.unpack("!II", head)
                content = await self._reader.readexactly(second & 0xFFFFFF)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            if not first & 0x80000000:
                if second >> 24 & FIN:
                    self.ended.add(self._names.get(first, ""))
                if content:
                    yield self._names.get(first, ""), content
                continue
            kind = first & 0xFFFF
            if kind == PING:
                self._writer.write(head + content)
            elif kind == GOAWAY:
                return
            # A stream that is reset is one that the server is done with: nothing more comes on it.

    def close(self) -> None:
        self._writer.transport.abort()

    async def open_streams(self) -> None:
        headers = Headers()
        for name, number in self._ids.items():
            head = struct.pack("!IIH", number, 0, 0)
            self._writer.write(frame(SYN_STREAM, head + headers.block({"streamtype": name})))
        await self._writer.drain()


async def connect(url: str, names: Sequence[str], protocols: Sequence[str]) -> Connection:
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
            connection = Connection(reader, writer, names, protocol)
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
