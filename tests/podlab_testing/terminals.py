"""kubectl on a terminal of its own, as a person has it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from podlab_testing.kubectl import Kubectl

ROWS, COLUMNS = 33, 111


@dataclass
class Terminal:
    """What is typed and said there."""

    descriptor: int
    process: subprocess.Popen[bytes]
    said: bytearray = field(default_factory=bytearray)

    def until(self, text: str, within_s: float = 30) -> str:
        """All that was said, once the text is in it; fails with what came instead."""
        deadline = time.monotonic() + within_s
        while text.encode() not in self.said:
            left = deadline - time.monotonic()
            assert left > 0, f"no {text!r} within {within_s:.0f} s; said:\n{self.said.decode(errors='replace')}"
            assert self._read(left), f"ended without {text!r}; said:\n{self.said.decode(errors='replace')}"
        return self.said.decode(errors="replace")

    def type(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def ended(self, within_s: float = 30) -> int:
        """The exit code, once it has said its last."""
        deadline = time.monotonic() + within_s
        while self._read(max(0.0, deadline - time.monotonic())):
            assert time.monotonic() < deadline, f"goes on; said:\n{self.said.decode(errors='replace')}"
        return self.process.wait(10)

    def _read(self, within_s: float) -> bool:
        """False once there is nobody any more."""
        if not select.select([self.descriptor], [], [], min(1.0, within_s))[0]:
            return True
        try:
            chunk = os.read(self.descriptor, 65536)
        except OSError:  # as Linux says that the other side is closed
            return False
        self.said.extend(chunk)
        return bool(chunk)


@contextmanager
def terminal(kubectl: Kubectl, *arguments: str) -> Iterator[Terminal]:
    """A command that goes on until the block ends."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        kubectl.command(*arguments),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=kubectl.home,
        env=kubectl.variables(),
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        process.kill()
        process.wait(10)
        os.close(ours)
