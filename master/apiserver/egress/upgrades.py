"""Connections that stop being HTTP: a request with `Upgrade`, the head of its answer, and bytes both ways thereafter.

aiohttp's client knows no upgrades but that to WebSocket, which it speaks itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from multidict import CIMultiDict, CIMultiDictProxy

from master.apiserver.egress.keepalive import keep_alive
from master.apiserver.egress.tunnels import Tunnels
from master.apiserver.egress.ways import Way
from podlab.errors import BadRequest, ServiceUnavailable

HEAD_BYTES = 64 << 10
# What is answered instead of an upgrade is told whole, up to so much.
REFUSAL_BYTES = 1 << 20
SWITCHING_PROTOCOLS = 101
_CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,8}")


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What was answered. With status 101, `reader` and `writer` carry what the protocol says from then on."""

    status: int
    headers: CIMultiDictProxy[str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def refusal(self) -> bytes:
        """The body of an answer that is no upgrade. Raises EOFError, OSError, ServiceUnavailable when it is too
        large."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return await _chunks(self.reader)
        length = self.headers.get("Content-Length", "")
        if length.isdecimal():
            return await self.reader.readexactly(_bounded(int(length)))
        content = bytearray()
        while piece := await self.reader.read(HEAD_BYTES):
            content += piece
            _bounded(len(content))
        return bytes(content)


async def connect(
    way: Way, tunnels: Tunnels, tls: ssl.SSLContext | None, server_name: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection of its own. Raises ApiError, OSError."""
    name = server_name if tls is not None else None
    if way.pod is None:
        reader, writer = await asyncio.open_connection(
            way.url.host, way.url.port, ssl=tls, server_hostname=name, limit=HEAD_BYTES
        )
        keep_alive(writer.get_extra_info("socket"))
        return reader, writer
    made = await tunnels.open(way.pod)
    try:
        return await asyncio.open_unix_connection(sock=made, ssl=tls, server_hostname=name, limit=HEAD_BYTES)
    except BaseException:
        made.close()
        raise


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, target: str, headers: Mapping[str, str]
) -> Upgraded:
    """Send the request, and read the head of the answer. Raises EOFError, OSError, and ServiceUnavailable for what is
    not HTTP."""
    writer.write(_head(method, target, headers))
    await writer.drain()
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError as error:
            raise ServiceUnavailable(f"malformed HTTP response: its head has more than {HEAD_BYTES} bytes") from error
        status, told = _read_head(head)
        if status >= 200 or status == SWITCHING_PROTOCOLS:
            return Upgraded(status, told, reader, writer)


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection, whatever is still to be sent."""
    writer.transport.abort()
    with contextlib.suppress(OSError):  # it may have broken off before
        await writer.wait_closed()


def _head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise BadRequest("a header of the request has more than one line")
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("utf-8", "surrogateescape")


def _read_head(head: bytes) -> tuple[int, CIMultiDictProxy[str]]:
    """Status and headers. Raises ServiceUnavailable for what is not HTTP."""
    first, *lines = head.decode("utf-8", "surrogateescape").split("\r\n")[:-2]
    version, _, rest = first.partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/1.") or not (status.isascii() and status.isdecimal() and len(status) == 3):
        raise ServiceUnavailable(f"malformed HTTP response: {first[:100]!r}")
    headers: CIMultiDict[str] = CIMultiDict()
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or not name:
            raise ServiceUnavailable(f"malformed HTTP response: header {line[:100]!r}")
        headers.add(name, value.strip())
    return int(status), CIMultiDictProxy(headers)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    content = bytearray()
    while True:
        size = (await reader.readline()).partition(b";")[0].strip()
        if not _CHUNK_SIZE.fullmatch(size):
            raise ServiceUnavailable(f"malformed HTTP response: chunk of size {size[:100]!r}")
        if (count := int(size, 16)) == 0:
            return bytes(content)
        _bounded(len(content) + count)
        content += await reader.readexactly(count)
        await reader.readline()


def _bounded(size: int) -> int:
    if size > REFUSAL_BYTES:
        raise ServiceUnavailable(f"the answer has more than {REFUSAL_BYTES} bytes")
    return size
