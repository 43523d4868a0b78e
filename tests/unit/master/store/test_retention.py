import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from podlab_testing.waiting import WITHIN_S

from master.store.contract import Put
from master.store.errors import Compacted
from master.store.retention import Marks, compaction_target, retain
from master.store.sqlite import sweep
from master.store.sqlite.store import SqliteStore

KIB = 1 << 10


@pytest.mark.parametrize(
    ("current", "last_round", "keep", "target"),
    [
        (50, 0, 100, 0),  # the first round keeps all
        (50, 40, 100, 0),  # fewer than are always kept
        (500, 450, 100, 400),  # a quiet store keeps its hundred
        (5000, 450, 100, 450),  # a busy one keeps a whole round
        (500, 500, 0, 500),
    ],
)
def test_history_of_a_round_and_a_number_of_revisions_stays(
    current: int, last_round: int, keep: int, target: int
) -> None:
    assert compaction_target(current, last_round, keep) == target


async def read_until_refused(store: SqliteStore) -> None:
    while True:
        await store.range("/", revision=2)


async def test_rounds_go_on_until_the_store_is_closed(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db")
    for _ in range(10):
        await store.commit([Put("/a", b"", None)])
    keeping = asyncio.ensure_future(retain(store, lambda: store.written_bytes, keep=3, every_s=0.001))
    with pytest.raises(Compacted, match="the oldest kept is 8"):
        await asyncio.wait_for(read_until_refused(store), WITHIN_S)
    await store.close()
    await asyncio.wait_for(keeping, WITHIN_S)


@pytest.mark.parametrize(
    ("marks", "most", "target"),
    [
        ([], 10, 0),
        ([(5, 100)], 10, 0),
        ([(5, 100), (6, 105), (7, 110)], 10, 0),
        ([(5, 100), (6, 105), (7, 111)], 10, 6),
        ([(5, 0), (6, 50), (7, 99), (8, 100)], 10, 7),
        ([(5, 0), (6, 1000)], 10, 6),
    ],
)
def test_history_of_so_many_bytes_stays(marks: list[tuple[int, int]], most: int, target: int) -> None:
    kept = Marks()
    for revision, total in marks:
        kept.mark(revision, total)
    assert kept.beyond(most) == target
    assert kept.beyond(most) == 0


def size_of(path: Path) -> int:
    return path.stat().st_size


async def test_history_is_bounded_in_bytes(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db")
    keeping = asyncio.ensure_future(retain(store, lambda: store.written_bytes, most_bytes=KIB << 10, look_s=0.001))
    for _ in range(64):
        await store.commit([Put("/a", os.urandom(100 * KIB), None)])
        await asyncio.sleep(0.002)
    assert size_of(tmp_path / "store.db") + size_of(tmp_path / "store.db-wal") < 24 << 20
    with pytest.raises(Compacted):
        await store.range("/", revision=2)
    await store.close()
    await asyncio.wait_for(keeping, WITHIN_S)
    assert size_of(tmp_path / "store.db") < 4 << 20


async def test_what_compaction_frees_goes_back_to_the_file_system(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = await SqliteStore.open(path)
    for number in range(60):
        await store.commit([Put(f"/{number % 3}", os.urandom(100 * KIB), None)])
    await store.compact(await store.revision())
    await store.close()
    assert size_of(path) > 5000 * KIB  # that much may always be free
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        left = [sweep.shrink_slice(connection, spare_pages=64, slice_pages=500)]
        while left[-1]:
            left.append(sweep.shrink_slice(connection, spare_pages=64, slice_pages=500))
    assert len(left) > 2
    assert size_of(path) < 700 * KIB
    again = await SqliteStore.open(path)
    assert [len(entry.value) for entry in (await again.range("/")).entries] == [100 * KIB] * 3
    await again.close()


async def test_a_store_whose_file_could_not_shrink_can_once_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = await SqliteStore.open(path)
    await store.commit([Put("/a", b"1", None)])
    await store.close()
    older = sqlite3.connect(path, isolation_level=None)
    older.execute("PRAGMA journal_mode = DELETE")
    older.execute("PRAGMA auto_vacuum = NONE")
    older.execute("VACUUM")
    assert older.execute("PRAGMA auto_vacuum").fetchone() == (0,)
    older.close()
    again = await SqliteStore.open(path)
    assert await again.get("/a") is not None
    await again.close()
    newer = sqlite3.connect(path)
    assert newer.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    newer.close()
