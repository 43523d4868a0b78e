"""Containers' logs as the runtime writes them: read, and followed across rotation.

Each line of a file is `<RFC 3339 time> <stdout|stderr> <P|F> <text>`; P says that the line goes on in the next one
(https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md).
"""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from node.kubelet.disk.nofollow import is_regular_file, open_for_reading
from node.kubelet.logs.log_files import files

CHUNK = 64 * 1024
# The runtime writes lines of 16 KiB at most.
MAX_LINE_BYTES = 1024 * 1024
# How much of the end of a log `tail` reads.
TAIL_BYTES = 128 * 1024
POLL_S = 0.1


@dataclass(frozen=True)
class LogOptions:
    """As in LogsRequest; None is no bound."""

    follow: bool = False
    tail_lines: int | None = None
    since_seconds: int | None = None
    timestamps: bool = False
    limit_bytes: int | None = None
    since_time_ns: int | None = None


def tail(path: Path, lines: int, limit_bytes: int) -> bytes:
    """The end of what the container wrote: at most so many lines and bytes. Raises OSError."""
    raw = b""
    for file in reversed(files(path)):
        with open_for_reading(file) as opened:
            opened.seek(max(0, opened.seek(0, 2) - (TAIL_BYTES - len(raw))))
            raw = opened.read(TAIL_BYTES - len(raw)) + raw
        if len(raw) >= TAIL_BYTES:
            raw = raw.partition(b"\n")[2]  # the first line has lost its beginning
            break
    text = b"".join(_LineParser(LogOptions()).lines(io.BytesIO(raw)))
    ends = text.count(b"\n") - lines
    return text.split(b"\n", ends)[-1][-limit_bytes:] if ends > 0 else text[-limit_bytes:]


async def read(path: Path, options: LogOptions, running: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
    """The log's text in pieces. With `follow`, until the container no longer runs and all is read."""
    parser = _LineParser(options)
    left = options.limit_bytes
    async for text in _texts(path, options, parser, running):
        piece = text if left is None else text[:left]
        if piece:
            yield piece
        if left is not None:
            left -= len(piece)
            if left <= 0:
                return


async def _texts(
    path: Path, options: LogOptions, parser: _LineParser, running: Callable[[], Awaitable[bool]]
) -> AsyncIterator[bytes]:
    starts = _starts(path, options.tail_lines)
    # With `follow` the running log is read below, to wherever it grows.
    start = starts.pop()[1] if options.follow and starts and starts[-1][0] == path else 0
    for file, offset in starts:
        for text in _chunked(parser.lines(_lines(file, offset))):
            yield text
            await asyncio.sleep(0)
    if not options.follow:
        return
    async for lines in _followed(path, start, running):
        for text in _chunked(parser.lines(iter(lines))):
            yield text


class _LineParser:
    """Turns the runtime's lines into the lines that the container wrote."""

    def __init__(self, options: LogOptions) -> None:
        self._timestamps = options.timestamps
        self._since = _since(options)
        self._continues = False

    def lines(self, raw: Iterator[bytes]) -> Iterator[bytes]:
        for line in raw:
            parts = line.rstrip(b"\n").split(b" ", 3)
            if len(parts) < 3:
                continue  # cut off by a crash of the node
            when, tag, text = parts[0], parts[2], parts[3] if len(parts) > 3 else b""
            if self._since is not None and _seconds(when) < self._since:
                continue
            prefix = when + b" " if self._timestamps and not self._continues else b""
            self._continues = tag == b"P"
            yield prefix + text + (b"" if self._continues else b"\n")


def _since(options: LogOptions) -> float | None:
    """Seconds since 1970."""
    if options.since_time_ns is not None:
        return options.since_time_ns / 1e9
    return time.time() - options.since_seconds if options.since_seconds is not None else None


def _seconds(when: bytes) -> float:
    try:
        return datetime.fromisoformat(when.decode()).timestamp()
    except ValueError:
        return 0.0


def _chunked(texts: Iterator[bytes]) -> Iterator[bytes]:
    chunk: list[bytes] = []
    size = 0
    for text in texts:
        chunk.append(text)
        size += len(text)
        if size >= CHUNK:
            yield b"".join(chunk)
            chunk, size = [], 0
    if chunk:
        yield b"".join(chunk)


def _lines(file: Path, start: int) -> Iterator[bytes]:
    with open_for_reading(file) as opened:
        opened.seek(start)
        while line := opened.readline(MAX_LINE_BYTES):
            yield line


def _starts(path: Path, lines: int | None) -> list[tuple[Path, int]]:
    """The files and offsets from which the last lines of the container follow."""
    found = files(path)
    if lines is None:
        return [(file, 0) for file in found]
    if lines == 0:
        return [(file, file.stat().st_size) for file in found[-1:]]
    starts: list[tuple[Path, int]] = []
    for file in reversed(found):
        start, seen = _last_lines(file, lines)
        starts.insert(0, (file, start))
        lines -= seen
        if lines <= 0:
            break
    return starts


def _last_lines(file: Path, wanted: int) -> tuple[int, int]:
    """The offset at which the last `wanted` whole lines begin, and their number (fewer in a short file)."""
    with open_for_reading(file) as opened:
        end = opened.seek(0, 2)
        position, rest, seen = end, b"", 0
        while position > 0:
            size = min(CHUNK, position)
            position -= size
            opened.seek(position)
            block = opened.read(size) + rest
            lines = block.split(b"\n")
            offset = position + len(block)
            # The first piece may be half a line: it is read with the block before.
            for line in reversed(lines[1:] if position > 0 else lines):
                offset -= len(line) + 1
                if line and _is_whole(line):
                    seen += 1
                    if seen > wanted:
                        return offset + 1 + len(line) + 1, wanted
            rest = lines[0] if position > 0 else b""
    return 0, seen


def _is_whole(line: bytes) -> bool:
    parts = line.split(b" ", 3)
    return len(parts) > 2 and parts[2] == b"F"


async def _followed(path: Path, start: int, running: Callable[[], Awaitable[bool]]) -> AsyncIterator[list[bytes]]:
    opened: IO[bytes] | None = None
    half = b""
    try:
        while True:
            alive = await running()  # asked before reading, so that lines written before the end are read
            opened = opened or _open(path, start)
            chunk = opened.read(CHUNK) if opened is not None else b""
            if chunk:
                *lines, half = (half + chunk).split(b"\n")
                if len(half) > MAX_LINE_BYTES:
                    lines, half = [*lines, half], b""
                yield lines
                continue
            if opened is not None and _was_rotated(opened, path):
                opened.close()
                opened, start = None, 0
                continue
            if not alive:
                return
            await asyncio.sleep(POLL_S)
    finally:
        if opened is not None:
            opened.close()


def _open(path: Path, start: int) -> IO[bytes] | None:
    if not is_regular_file(path):
        return None
    opened = open_for_reading(path)
    opened.seek(start)
    return opened


def _was_rotated(opened: IO[bytes], path: Path) -> bool:
    """Whether a new file is at the path. Until the runtime opens it, the old one may still grow."""
    try:
        return os.fstat(opened.fileno()).st_ino != path.stat().st_ino
    except FileNotFoundError:
        return False
