"""What stands at the end of a write-ahead log that SQLite does not take: https://www.sqlite.org/fileformat2.html#walformat

SQLite reads a log up to the last whole transaction and says nothing of the rest. The rest is harmless when it is what
an earlier round left there, or the one write that was cut off by the end of the process. Else it is damage.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

_MAGIC = (0x377F0682, 0x377F0683)
_HEADER, _FRAME_HEADER = 32, 24
# The first salt goes up by one each time that SQLite begins the log anew from its start.
_ROUNDS = 1 << 16


@dataclass(frozen=True, slots=True)
class Frame:
    """One page as it was logged; `ends` a transaction. `salts` tell of which round it is."""

    salts: tuple[int, int]
    ends: bool


@dataclass(frozen=True, slots=True)
class Log:
    """`salts` are None when the header is not one. `torn_bytes` follow the last frame that has its whole length."""

    salts: tuple[int, int] | None
    frames: tuple[Frame, ...]
    page_bytes: int
    torn_bytes: int


def read(path: Path) -> Log | None:
    """The log beside the database, as it is on disk; None when there is none or nothing in it. Raises OSError."""
    try:
        file = path.with_name(f"{path.name}-wal").open("rb")
    except FileNotFoundError:
        return None
    with file:
        size = os.fstat(file.fileno()).st_size
        header = file.read(_HEADER)
        if not header:
            return None
        magic, _, page, _, *salts = struct.unpack(">6I8x", header.ljust(_HEADER, b"\0"))
        if magic not in _MAGIC or not 512 <= page <= 65536:
            return Log(None, (), 0, size)
        each = _FRAME_HEADER + page
        count, torn = divmod(size - _HEADER, each)
        return Log((salts[0], salts[1]), tuple(_frame(file.fileno(), each, one) for one in range(count)), page, torn)


def _frame(descriptor: int, each: int, index: int) -> Frame:
    read = os.pread(descriptor, _FRAME_HEADER, _HEADER + each * index)
    _, ends, *salts = struct.unpack(">4I8x", read)
    return Frame((salts[0], salts[1]), bool(ends))


def untold(log: Log, taken: int) -> str:
    """What is to be told when SQLite has taken so many frames; empty when nothing is lost and nothing was cut off."""
    if log.salts is None:
        return f"its header is damaged: nothing of its {log.torn_bytes} bytes can be read; {_LOST}"
    rest = log.frames[taken:]
    own = [frame for frame in rest if frame.salts == log.salts]
    garbage = sum(frame.salts != log.salts and not _is_older(frame.salts, log.salts) for frame in rest)
    if (not rest and not log.torn_bytes) or (rest and _is_older(rest[0].salts, log.salts)):
        return ""
    where = f"it ends early, after {taken} of {len(log.frames)} frames (byte {_at(log, taken)})"
    if not garbage and not any(frame.ends for frame in own[:-1]):  # at most one transaction, which was under way
        return f"{where}: a write was cut off there before it was acknowledged"
    return f"{where}: what follows cannot be read ({garbage} frames of garbage, {len(own)} of this log); {_LOST}"


_LOST = (
    "what was acknowledged since may be lost: compare with a backup, and look at the disk. The store goes on with what "
    "could be read"
)


def _is_older(salts: tuple[int, int], current: tuple[int, int]) -> bool:
    return 0 < (current[0] - salts[0]) % (1 << 32) < _ROUNDS


def _at(log: Log, frame: int) -> int:
    return _HEADER + frame * (_FRAME_HEADER + log.page_bytes)
