"""One group of commits as one SQLite statement, which is a transaction of its own.

SQLite's Python module lets go of the interpreter at every statement and every row it steps over, and beside a busy
event loop each return costs up to a switch interval (5 ms). So a group is one statement: all its rows are inserted at
once, and triggers (`schema.py`) do what follows from a row. How keys stand is not read but known: the writer keeps it.
Measured beside a busy thread, in groups of 10: half the time that a statement for each table takes. A group of very
many rows is a few such statements in a transaction.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache

from master.store.operations import Operations
from master.store.sqlite.decide import LogRow, Standing, Verdict, decide

_ROWS = 64
"""Of one statement. Statements are prepared once for each number of rows, and a group is seldom larger."""


def read_standing(connection: sqlite3.Connection) -> dict[str, Standing]:
    """How all keys stand."""
    rows = connection.execute("SELECT key, id, create_revision FROM current")
    return {key: Standing(row, created) for key, row, created in rows}


def write_group(
    connection: sqlite3.Connection, commits: Sequence[Operations], standing: Mapping[str, Standing], revision: int
) -> Verdict:
    """Judge `commits` by how keys stand, and write them: on disk on return, none of them on an exception."""
    verdict = decide(commits, standing, revision)
    if verdict.rows:
        _append(connection, verdict.rows)
    return verdict


def _append(connection: sqlite3.Connection, rows: Sequence[LogRow]) -> None:
    if len(rows) <= _ROWS:
        _insert(connection, rows)
        return
    with connection:  # rolls back when something is raised
        connection.execute("BEGIN")
        for first in range(0, len(rows), _ROWS):
            _insert(connection, rows[first : first + _ROWS])


def _insert(connection: sqlite3.Connection, rows: Sequence[LogRow]) -> None:
    values: list[int | str | bytes | None] = []
    for row in rows:
        change = row.change
        values += (row.row, change.key, change.create_revision, row.previous_row, change.value)
    # Not `execute`, which lets go of the interpreter once more, to ask for the last row's id.
    connection.executemany(_statement(len(rows)), (values,))


@cache
def _statement(rows: int) -> str:
    row = "(?, ?, ?, ?, ?)"
    return f"INSERT INTO log (id, key, create_revision, previous, value) VALUES {', '.join([row] * rows)}"  # noqa: S608  # no value is in it
