"""Whether there is a store, and the making of a new one: at once and whole, or not at all.

SQLite takes a database that is missing, or has no bytes, for a new one and throws away the write-ahead log beside it.
A store that began anew by mistake would tell every kubelet that nothing is to run. So a new one is made only where no
file of a store is, and anything else that is not whole is refused by name.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from master.store.errors import Incomplete

BESIDE = ("-wal", "-shm", "-journal")


def is_there(path: Path) -> bool:
    """Whether a store is at `path`; False when no file of one is. Raises Incomplete when there is only a part of it."""
    beside = [other for suffix in BESIDE if (other := path.with_name(path.name + suffix)).exists()]
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        if beside:
            raise Incomplete(path, "is missing", beside) from None
        return False
    if not size:
        raise Incomplete(path, "has 0 bytes", beside)
    return True


def found(path: Path, schema: str) -> None:
    """Make a new store, of mode 0600, from the script. It is at `path` once it is whole and on disk. Raises OSError."""
    new = path.with_name(path.name + ".new")
    for suffix in ("", *BESIDE):  # of an attempt that was cut off
        new.with_name(new.name + suffix).unlink(missing_ok=True)
    os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection = sqlite3.connect(new, isolation_level=None)
    try:
        # By and by, what is removed makes the file smaller. It must be said before the first table.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(schema)
    finally:
        connection.close()  # writes the log into the file, and removes it
    move(new, path)


def move(new: Path, path: Path) -> None:
    """Put a whole store that nobody has open in its place, on disk on return. Raises OSError."""
    new.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
