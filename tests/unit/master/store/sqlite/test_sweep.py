"""Compaction in slices, and what may come between them."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from master.store.contract import Put
from master.store.sqlite.group import write_group
from master.store.sqlite.schema import open_writer
from master.store.sqlite.sweep import compact_slice


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    made = open_writer(tmp_path / "store.db")
    write_group(made, [[Put("/a", b"%d" % number, None)] for number in range(20)], {}, 1)
    yield made
    made.close()


def bounds(connection: sqlite3.Connection) -> tuple[int, int]:
    """The oldest readable revision, and how far old rows are removed."""
    compacted, swept = connection.execute("SELECT compacted, swept FROM meta").fetchone()
    return compacted, swept


def test_an_earlier_compaction_between_the_slices_of_a_later_one_takes_nothing_back(
    connection: sqlite3.Connection,
) -> None:
    done = compact_slice(connection, 18, rows=5)
    assert bounds(connection) == (18, done)
    assert done < 10
    compact_slice(connection, 10, rows=5)
    assert bounds(connection)[0] == 18
    while done < 18:
        done = compact_slice(connection, 18, rows=5)
    assert bounds(connection) == (18, 18)
    (left,) = connection.execute("SELECT count(*) FROM log").fetchone()
    assert left == 1 + 21 - 18
