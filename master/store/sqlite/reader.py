"""Reads of the database: a key, a range now or as of an old revision, and a stretch of history."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from master.store.contract import Change, Entry, Range
from master.store.errors import Compacted, FutureRevision
from master.store.keys import interval
from master.store.sqlite.decide import OPERATIONS_BITS

_GET = """
SELECT current.key, log.value, current.create_revision, current.id
FROM current JOIN log ON log.id = current.id WHERE current.key = ?
"""
_RANGE_NOW = """
SELECT current.key, log.value, current.create_revision, current.id
FROM current JOIN log ON log.id = current.id
WHERE current.key >= :low AND current.key < :high AND current.key > :after ORDER BY current.key LIMIT :limit
"""
# What stood at a revision: the keys not changed since, and for each key changed since, what the first change replaced.
_RANGE_THEN = """
WITH changed AS (
    SELECT key, min(id), previous FROM log
    WHERE id >= :bound AND key >= :low AND key < :high AND key > :after GROUP BY key
), standing AS (
    SELECT id FROM current WHERE key >= :low AND key < :high AND key > :after AND id < :bound
    UNION ALL SELECT previous FROM changed WHERE previous IS NOT NULL
)
SELECT log.key, log.value, log.create_revision, log.id
FROM standing JOIN log ON log.id = standing.id ORDER BY log.key LIMIT :limit
"""
_HISTORY = """
SELECT id, key, value, create_revision FROM log
WHERE id >= :from AND id < :to AND key >= :low AND key < :high ORDER BY id
"""
_SLICE_ROWS = 500


@dataclass(frozen=True, slots=True)
class Bounds:
    """The last revision, and the oldest that may be asked for."""

    revision: int
    compacted: int

    def check(self, revision: int) -> None:
        """Raise when history after `revision` cannot be told."""
        if revision < self.compacted:
            raise Compacted(revision, self.compacted)
        if revision > self.revision:
            raise FutureRevision(revision, self.revision)


class Reader:
    """Blocking reads, each a snapshot of what is committed. For one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, key: str) -> Entry | None:
        """The key's entry, None when there is none."""
        row = self._connection.execute(_GET, (key,)).fetchone()
        return _entry(row) if row is not None else None

    def range(self, prefix: str, start_after: str, limit: int, revision: int) -> Range:
        """As the contract's range."""
        low, high = interval(prefix)
        parameters: dict[str, str | int] = {"low": low, "high": high, "after": start_after}
        parameters["limit"] = limit + 1 if limit else -1
        with self._snapshot() as bounds:
            if revision and revision != bounds.revision:
                bounds.check(revision)
                parameters["bound"] = (revision + 1) << OPERATIONS_BITS
                rows = self._connection.execute(_RANGE_THEN, parameters).fetchall()
            else:
                rows = self._connection.execute(_RANGE_NOW, parameters).fetchall()
        more = 0 < limit < len(rows)
        entries = tuple(_entry(row) for row in (rows[:limit] if more else rows))
        return Range(entries, revision or bounds.revision, more)

    def history(self, prefix: str, after: int) -> tuple[list[Change], int]:
        """A bounded stretch of the changes that follow revision `after`, and the revision it reaches."""
        low, high = interval(prefix)
        with self._snapshot() as bounds:
            bounds.check(after)
            start = (after + 1) << OPERATIONS_BITS
            reached = self._slice_end(start, bounds.revision)
            parameters = {"from": start, "to": (reached + 1) << OPERATIONS_BITS, "low": low, "high": high}
            rows = self._connection.execute(_HISTORY, parameters).fetchall()
        changes = [Change(row >> OPERATIONS_BITS, key, value, made) for row, key, value, made in rows]
        return changes, reached

    def bounds(self) -> Bounds:
        """Which revisions can be asked for."""
        return Bounds(*self._connection.execute("SELECT revision, compacted FROM meta").fetchone())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _slice_end(self, start: int, last: int) -> int:
        query = "SELECT id FROM log WHERE id >= ? ORDER BY id LIMIT 1 OFFSET ?"
        row = self._connection.execute(query, (start, _SLICE_ROWS)).fetchone()
        return row[0] >> OPERATIONS_BITS if row is not None else last

    @contextmanager
    def _snapshot(self) -> Iterator[Bounds]:
        """Several statements on one state of the database."""
        self._connection.execute("BEGIN")
        try:
            yield self.bounds()
        finally:
            self._connection.execute("COMMIT")


def _entry(row: tuple[str, bytes, int, int]) -> Entry:
    key, value, create_revision, log_row = row
    return Entry(key, value, create_revision, log_row >> OPERATIONS_BITS)
