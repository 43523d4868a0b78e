"""Compaction: raise the oldest readable revision, then remove the log rows that nothing needs any more.

A row is needed while it is what some key held at or after the compacted revision. So what goes is each row that a row
at or before that revision replaced, and each deletion up to there. It goes in slices, so that commits pass between.
Pages that are free then are for the next writes; what is more than those will need goes back to the file system.
"""

import sqlite3

from master.store.errors import FutureRevision
from master.store.sqlite.decide import OPERATIONS_BITS

_SLICE_ROWS = 2000
_SLICE_PAGES = 2000
# 16 MiB. Beyond that, as many stay as are in use: a file that grows and shrinks by turns is written for nothing.
_SPARE_PAGES = 4096


def compact_slice(connection: sqlite3.Connection, revision: int, rows: int = _SLICE_ROWS) -> int:
    """Do one transaction of compacting to `revision`; return how far it is done, at least `revision` in the end.

    A transaction is about so many `rows` of the log.
    """
    current: int
    compacted: int
    swept: int
    current, compacted, swept = connection.execute("SELECT revision, compacted, swept FROM meta").fetchone()
    if revision > current:
        raise FutureRevision(revision, current)
    target = max(revision, compacted)
    if swept >= target:
        return swept
    upto = _slice_end(connection, swept, target, rows)
    low, high = (swept + 1) << OPERATIONS_BITS, (upto + 1) << OPERATIONS_BITS
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(
            "DELETE FROM log WHERE id IN (SELECT previous FROM log WHERE id >= ? AND id < ? AND previous IS NOT NULL)",
            (low, high),
        )
        connection.execute("DELETE FROM log WHERE id >= ? AND id < ? AND value IS NULL", (low, high))
        connection.execute("UPDATE meta SET compacted = ?, swept = ?", (target, upto))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return upto


def shrink_slice(
    connection: sqlite3.Connection, *, spare_pages: int = _SPARE_PAGES, slice_pages: int = _SLICE_PAGES
) -> int:
    """Give at most `slice_pages` free pages back, from the end of the file; return how many are still too many.

    `spare_pages` may always be free.
    """
    pages, free = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
    surplus = free - max(spare_pages, pages - free)
    if surplus <= 0:
        return 0
    given_back = min(surplus, slice_pages)
    # It gives back one page with each step; `execute` of a statement without columns makes one step alone.
    connection.executescript(f"PRAGMA incremental_vacuum({given_back})")
    return int(surplus - given_back)


def _slice_end(connection: sqlite3.Connection, swept: int, target: int, rows: int) -> int:
    """The revision at which a slice of the log that starts after `swept` ends, never inside a commit."""
    row = connection.execute(
        "SELECT id FROM log WHERE id >= ? ORDER BY id LIMIT 1 OFFSET ?",
        ((swept + 1) << OPERATIONS_BITS, rows),
    ).fetchone()
    return min(target, row[0] >> OPERATIONS_BITS) if row is not None else target
