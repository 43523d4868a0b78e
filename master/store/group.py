"""One group of commits as one SQLite statement, which is a transaction of its own.

SQLite's Python module lets go of the interpreter at every statement and every row it steps over, and beside a busy
event loop each return costs up to a switch interval (5 ms). So a group is one statement, whatever its size: rows go in
as one JSON array, values as one blob that the statement cuts up, and triggers (`schema.py`) do what follows from a
row. How keys stand is not read but known: the writer keeps it. Measured beside a busy thread, in groups of 10: half
the time that a statement for each table takes.
"""

import sqlite3
from collections.abc import Mapping, Sequence

import orjson

from master.store.decide import LogRow, Operations, Standing, Verdict, decide

_APPEND = """
INSERT INTO log (id, key, create_revision, previous, value)
SELECT row.value ->> 0, row.value ->> 1, row.value ->> 2, row.value ->> 3,
    CASE WHEN row.value ->> 4 IS NULL THEN NULL ELSE substr(?2, row.value ->> 4, row.value ->> 5) END
FROM json_each(?1) AS row
"""


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
    # A leading byte, as SQLite takes a piece of an empty blob for NULL. Its offsets count from 1.
    values = [b"\0"]
    offset = 2
    table: list[tuple[int, str, int, int | None, int | None, int]] = []
    for row in rows:
        change = row.change
        if change.value is None:
            table.append((row.row, change.key, change.create_revision, row.previous_row, None, 0))
            continue
        size = len(change.value)
        table.append((row.row, change.key, change.create_revision, row.previous_row, offset, size))
        values.append(change.value)
        offset += size
    packed = orjson.dumps(table).decode()
    # Not `execute`, which lets go of the interpreter once more, to ask for the last row's id.
    connection.executemany(_APPEND, ((packed, b"".join(values)),))
