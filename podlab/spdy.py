"""SPDY/3.1 as far as Kubernetes' streams use it: frames to bytes and back, and header blocks. Pure.

Kubernetes' libraries know no flow control windows, priorities or settings, and neither does this: what holds a fast
sender back is the connection below.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY, HEADERS = 1, 2, 3, 6, 7, 8
FIN = 0x01
# The number of the last stream that can be.
LAST_STREAM = 2**31 - 1
# Of one data frame that we send.
MAX_DATA = 32 * 1024
# Of a frame that we take. Kubernetes' own are 64 KiB at most.
MAX_FRAME = 1 << 20
# Of all headers of one stream, once they are inflated.
MAX_HEADERS = 64 * 1024
_REFUSED = 3
_VERSION = 3
_CONTROL = 0x8000
_HEAD = struct.Struct("!II")
_NUMBER = struct.Struct("!I")
_PREFIXED = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow"
    " authorization cache-control connection content-base content-encoding content-language content-length"
    " content-location content-md5 content-range content-type date etag expect expires from host if-match"
    " if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma"
    " proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade"
    " user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie"
    " keep-alive origin"
)
_RUNNING = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
    "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)


class Malformed(Exception):
    """What arrived is not SPDY/3.1; the message says why."""


@dataclass(frozen=True, slots=True)
class Data:
    """A part of a stream; `last` ends it in this direction."""

    stream: int
    content: bytes
    last: bool


@dataclass(frozen=True, slots=True)
class Control:
    """Any other frame."""

    kind: int
    flags: int
    payload: bytes

    @property
    def stream(self) -> int:
        """The stream that it is about, or a ping's number. Raises Malformed."""
        if len(self.payload) < _NUMBER.size:
            raise Malformed(f"a frame of kind {self.kind} has {len(self.payload)} bytes")
        number: int = _NUMBER.unpack_from(self.payload)[0]
        return number


@dataclass(frozen=True, slots=True)
class Opened:
    """The client has opened a stream; names of headers are in small letters."""

    stream: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reset:
    """The client is done with a stream, both ways."""

    stream: int


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for the same, or answers one of ours; a client's have odd numbers."""

    number: int


Frame = Data | Opened | Reset | Ping


def data_frame(stream: int, content: bytes, *, last: bool = False) -> bytes:
    """At most 16 MiB of content."""
    return _HEAD.pack(stream, (FIN if last else 0) << 24 | len(content)) + content


def control_frame(kind: int, payload: bytes, *, flags: int = 0) -> bytes:
    return struct.pack("!HHI", _CONTROL | _VERSION, kind, flags << 24 | len(payload)) + payload


def syn_stream(stream: int, block: bytes) -> bytes:
    """Opens a stream."""
    return control_frame(SYN_STREAM, struct.pack("!IIH", stream, 0, 0) + block)


def syn_reply(stream: int, block: bytes) -> bytes:
    """Takes a stream on."""
    return control_frame(SYN_REPLY, _NUMBER.pack(stream) + block)


def refused(stream: int) -> bytes:
    """Does not take a stream on."""
    return control_frame(RST_STREAM, struct.pack("!II", stream, _REFUSED))


def ping(number: int) -> bytes:
    """Asks whether the other side lives, or answers it."""
    return control_frame(PING, _NUMBER.pack(number))


def goaway(last_stream: int) -> bytes:
    """The connection ends; streams up to the last one have been looked at."""
    return control_frame(GOAWAY, struct.pack("!II", last_stream, 0))


def split(buffer: bytearray) -> Iterator[Data | Control]:
    """Takes the whole frames off the buffer's beginning. Raises Malformed."""
    while len(buffer) >= _HEAD.size:
        first, second = _HEAD.unpack_from(buffer)
        flags, size = second >> 24, second & 0xFFFFFF
        if size > MAX_FRAME:
            raise Malformed(f"a frame of {size} bytes; {MAX_FRAME} are taken")
        if len(buffer) < _HEAD.size + size:
            return
        content = bytes(memoryview(buffer)[_HEAD.size : _HEAD.size + size])
        del buffer[: _HEAD.size + size]
        if not first >> 31:
            yield Data(first, content, bool(flags & FIN))
            continue
        if first >> 16 != _CONTROL | _VERSION:
            raise Malformed(f"version {first >> 16 & 0x7FFF} instead of {_VERSION}")
        yield Control(first & 0xFFFF, flags, content)


class Deflater:
    """Makes header blocks. All blocks of a direction are one zlib stream; readers accept one without the dictionary."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj()

    def block(self, headers: Mapping[str, str]) -> bytes:
        plain = _NUMBER.pack(len(headers))
        for name, value in headers.items():
            for text in (name.encode(), value.encode()):
                plain += _NUMBER.pack(len(text)) + text
        return self._compressor.compress(plain) + self._compressor.flush(zlib.Z_SYNC_FLUSH)


class Inflater:
    """Reads header blocks of one direction."""

    def __init__(self) -> None:
        self._decompressor = zlib.decompressobj(zdict=dictionary())

    def headers(self, block: bytes) -> dict[str, str]:
        """Raises Malformed."""
        try:
            plain = self._decompressor.decompress(block, MAX_HEADERS)
        except zlib.error as error:
            raise Malformed(f"headers cannot be inflated: {error}") from error
        if self._decompressor.unconsumed_tail:
            raise Malformed(f"headers of more than {MAX_HEADERS} bytes")
        return _read(plain)


class Reader:
    """What a client sends, as a server reads it: frames that mean something here."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._inflater = Inflater()
        self._latest = 0

    def fed(self, content: bytes) -> Iterator[Frame]:
        """The frames that are whole with it. Raises Malformed."""
        self._buffer += content
        for frame in split(self._buffer):
            if isinstance(frame, Data):
                yield frame
            elif frame.kind == SYN_STREAM:
                yield self._opened(frame)
            elif frame.kind == RST_STREAM:
                yield Reset(frame.stream)
            elif frame.kind == PING:
                yield Ping(frame.stream)
            elif frame.kind in (SYN_REPLY, HEADERS):  # they are of the same compressed stream
                self._inflater.headers(frame.payload[4:])

    def _opened(self, frame: Control) -> Opened:
        if not frame.stream % 2 or frame.stream <= self._latest:
            raise Malformed(f"stream {frame.stream} after {self._latest}: a client's have odd, rising numbers")
        self._latest = frame.stream
        return Opened(frame.stream, self._inflater.headers(frame.payload[10:]))


def _read(plain: bytes) -> dict[str, str]:
    texts: list[str] = []
    try:
        count, position = _NUMBER.unpack_from(plain)[0], _NUMBER.size
        for _ in range(2 * min(count, MAX_HEADERS)):
            size = _NUMBER.unpack_from(plain, position)[0]
            position += _NUMBER.size
            if position + size > len(plain):
                raise Malformed("a header is longer than its block")
            texts.append(plain[position : position + size].decode(errors="replace"))
            position += size
    except struct.error as error:
        raise Malformed("a block of headers ends in their midst") from error
    return {name.lower(): value for name, value in zip(texts[::2], texts[1::2], strict=True)}


def dictionary() -> bytes:
    """What the standard gives both sides to compress headers with."""
    words = (word.replace("_", " ").encode() for word in _PREFIXED.split())
    return b"".join(_NUMBER.pack(len(word)) + word for word in words) + _RUNNING.encode()
