"""The audit log's file. A thread writes the lines in batches, so that no request waits for the disk.

Lines that come faster than they can be written are dropped beyond a bound, and counted.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

WRITTEN_EVERY_S = 0.1
WAITING_BYTES = 32 << 20
REPORT_EVERY_S = 10.0

log = logging.getLogger(__name__)


@dataclass
class Writer:
    """Appends to `path`, of mode 0600. A file of `most_bytes` becomes `path`.1, and so on up to `backups`."""

    path: Path
    most_bytes: int
    backups: int
    waiting_bytes: int = WAITING_BYTES
    dropped: int = 0
    """The number of lost lines since the start."""
    _waiting: bytearray = field(default_factory=bytearray)
    _lines: int = 0
    _reported: int = 0
    _reported_at: float = 0.0
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> None:
        """Create the file. Raises OSError when it cannot be written."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(self._opened())

    def put(self, line: bytes) -> None:
        """Queue the line, or drop it when too much is waiting."""
        if len(self._waiting) > self.waiting_bytes:
            self.dropped += 1
            return
        self._waiting += line
        self._lines += 1

    async def run(self) -> None:
        """Write for ever. On cancellation what is left is written."""
        try:
            while True:
                await asyncio.sleep(WRITTEN_EVERY_S)
                if self._waiting:
                    await asyncio.shield(asyncio.to_thread(self._write, *self._taken()))
                self._report_dropped()
        finally:
            self._write(*self._taken())

    def _taken(self) -> tuple[bytearray, int]:
        taken = self._waiting, self._lines
        self._waiting, self._lines = bytearray(), 0
        return taken

    def _write(self, lines: bytearray, count: int) -> None:
        if not lines:
            return
        try:
            with self._writing:
                self._append(lines)
        except OSError as error:
            self.dropped += count
            log.error("the audit log %s cannot be written: %s", self.path, error.strerror or error)

    def _append(self, lines: bytearray) -> None:
        descriptor = self._opened()
        try:
            if os.fstat(descriptor).st_size + len(lines) > self.most_bytes:
                os.close(descriptor)
                self._rotate()
                descriptor = self._opened()
            view = memoryview(lines)
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)

    def _opened(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def _rotate(self) -> None:
        """Remove the oldest file and give the others the next number."""
        older = (self.path.with_name(f"{self.path.name}.{number}") for number in range(1, self.backups + 1))
        names = [self.path, *older]
        names[-1].unlink(missing_ok=True)
        for name, next_name in reversed(list(pairwise(names))):
            if name.exists():
                name.rename(next_name)

    def _report_dropped(self) -> None:
        now = time.monotonic()
        if self.dropped > self._reported and now >= self._reported_at + REPORT_EVERY_S:
            log.error(
                "%d lines of the audit log were lost: more came than could be written", self.dropped - self._reported
            )
            self._reported, self._reported_at = self.dropped, now
