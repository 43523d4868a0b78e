"""All of a store as of one revision, read beside the process that has it open.

The connection is read-only: it takes no lock that a writer would wait for, and leaves the write-ahead log as it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from master.store.contract import Entry
from master.store.errors import Corrupt
from master.store.sqlite import founding
from master.store.sqlite.decide import OPERATIONS_BITS
from master.store.sqlite.schema import check_identity, explained

_ALL = """
SELECT current.key, log.value, current.create_revision, current.id
FROM current JOIN log ON log.id = current.id ORDER BY current.key
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The last revision that is in it, and its entries in key order, to be read once."""

    revision: int
    entries: Iterator[Entry]


@contextmanager
def snapshot(path: Path) -> Iterator[Snapshot]:
    """Of the store at `path`. While it is open the log of the server only grows, so it is for reading straight through.

    Raises FileNotFoundError where there is none, Incomplete, Foreign, Corrupt, Unwritable.
    """
    if not founding.is_there(path):
        raise FileNotFoundError(f"{path}: there is no store")
    try:
        uri = f"file:{quote(str(path))}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            check_identity(connection, path)
            connection.execute("BEGIN")
            (revision,) = connection.execute("SELECT revision FROM meta").fetchone()
            yield Snapshot(revision, _entries(connection, path))
    except sqlite3.Error as error:
        raise explained(error, path) from error


def _entries(connection: sqlite3.Connection, path: Path) -> Iterator[Entry]:
    (keys,) = connection.execute("SELECT count(*) FROM current").fetchone()
    read = 0
    for key, value, create_revision, row in connection.execute(_ALL):
        if value is None:
            raise Corrupt(path, f"{key} has no value")
        read += 1
        yield Entry(key, value, create_revision, row >> OPERATIONS_BITS)
    if read != keys:
        raise Corrupt(path, f"{keys - read} keys whose values are not there")
