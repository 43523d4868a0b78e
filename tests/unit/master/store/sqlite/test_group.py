import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from master.store.contract import Put
from master.store.sqlite.decide import OPERATIONS_BITS
from master.store.sqlite.group import read_standing, write_group
from master.store.sqlite.schema import open_writer

MANY = 150  # rows take several statements


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_writer(tmp_path / "store.db")) as opened:
        yield opened


def puts(count: int) -> list[Put]:
    return [Put(f"/a/{number:03}", b"x" * number, 0) for number in range(count)]


@pytest.mark.parametrize("count", [1, 64, 65, MANY])
def test_a_commit_is_one_revision_however_many_rows_it_has(connection: sqlite3.Connection, count: int) -> None:
    verdict = write_group(connection, [puts(count)], {}, 1)
    assert verdict.results == [2]
    assert read_standing(connection) == verdict.standing
    assert connection.execute("SELECT key, value FROM log ORDER BY id").fetchall() == [
        (put.key, put.value) for put in puts(count)
    ]
    assert connection.execute("SELECT revision FROM meta").fetchall() == [(2,)]


def test_a_large_group_that_fails_at_its_end_leaves_no_trace(connection: sqlite3.Connection) -> None:
    last = 2 << OPERATIONS_BITS | MANY - 1
    connection.execute("INSERT INTO log (id, key, create_revision, value) VALUES (?, '/other', 1, x'00')", (last,))
    before = read_standing(connection)
    with pytest.raises(sqlite3.IntegrityError):
        write_group(connection, [puts(MANY)], {}, 1)
    assert not connection.in_transaction
    assert read_standing(connection) == before
