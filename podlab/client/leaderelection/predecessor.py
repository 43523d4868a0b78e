"""Who held a Lease on this host before, when that process is known to be dead.

A process that was killed has not given up its Lease. The one that is started in its place need not wait until that has
run out: the file's lock, which the kernel holds for as long as a process lives, shows that the one before is gone.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def succeeding(file: Path | None, own: str) -> Iterator[str]:
    """Whose identity is in the file, while which no other process has it; `own` stands there from now on.

    Without a file, nobody is known to have been here. Raises RuntimeError while another process has it, OSError.
    """
    if file is None:
        yield ""
        return
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, file)
        before = os.pread(descriptor, 4096, 0).decode(errors="replace").strip()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, own.encode(), 0)
        yield before
    finally:
        os.close(descriptor)


def _lock(descriptor: int, file: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RuntimeError(
            f"{file} is another process's, which does the same work on this host: `fuser {file}` shows which"
        ) from error
