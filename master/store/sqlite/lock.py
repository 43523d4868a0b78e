"""One process per store file: an exclusive flock on a file beside it, held for as long as the store is open.

The lock is on a file of its own because SQLite's own locks on the database are POSIX ones, which closing any other
descriptor of that file in the same process would drop.
"""

import fcntl
import os
from pathlib import Path

from master.store.errors import Locked, Unwritable


class FileLock:
    """Held from construction until `release`; a process that dies releases it."""

    def __init__(self, path: Path) -> None:
        """Take the lock of the store at `path`; raise Locked, naming the holder, when it is taken."""
        try:
            self._descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Unwritable(path, error.strerror or str(error)) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._descriptor, 32, 0).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise Locked(path, f"process {holder}" if holder else "another process") from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let others in. The lock file stays: removing it would let two processes lock different files."""
        os.close(self._descriptor)
