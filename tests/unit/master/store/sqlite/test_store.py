"""What is particular to the SQLite store: watches against its bounds, reopening, sweeping, a disk that refuses."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from podlab_testing.waiting import WITHIN_S

from master.store.contract import Change, Delete, Put
from master.store.errors import Overrun, Unwritable
from master.store.sqlite.store import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


async def take(watch: AsyncIterator[list[Change]], count: int) -> list[int]:
    """The revisions of the next `count` changes."""
    taken: list[int] = []
    while len(taken) < count:
        taken += [change.revision for change in await asyncio.wait_for(anext(watch), WITHIN_S)]
    return taken


def rows(path: Path, table: str) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


async def test_everything_is_there_after_reopening_and_revisions_go_on(path: Path) -> None:
    store = await SqliteStore.open(path)
    await store.commit([Put("/a", b"1", 0), Put("/b", b"2", 0)])
    await store.commit([Delete("/b", None)])
    before = await store.range("/")
    await store.close()
    store = await SqliteStore.open(path)
    assert await store.range("/") == before
    assert await store.commit([Put("/c", b"", 0)]) == 4
    await store.close()


async def test_a_watch_resumes_after_reopening_without_gap_or_repeat(path: Path) -> None:
    store = await SqliteStore.open(path)
    for _ in range(1200):  # more than one slice of history
        await store.commit([Put("/a", b"", None)])
    seen = (await take(store.watch("/", 1), 300))[:300][-1]
    await store.close()
    store = await SqliteStore.open(path)
    watch = store.watch("/", seen)
    first = await take(watch, 1201 - seen)
    following = asyncio.ensure_future(take(watch, 1))
    await store.commit([Put("/a", b"", None)])
    assert first + await following == list(range(seen + 1, 1203))
    await store.close()


async def test_a_watcher_that_falls_behind_its_bound_is_told_and_can_start_again(path: Path) -> None:
    store = await SqliteStore.open(path, watch_bound_bytes=20_000)
    watch = store.watch("/", 1)
    first = asyncio.ensure_future(take(watch, 1))
    await store.commit([Put("/a", b"", None)])
    assert await first == [2]
    for _ in range(30):
        await store.commit([Put("/a", b"x" * 1000, None)])
    with pytest.raises(Overrun, match="20000 bytes"):
        await take(watch, 30)
    assert await take(store.watch("/", 2), 30) == list(range(3, 33))
    await store.close()


async def test_a_watcher_of_a_quiet_prefix_does_not_fall_behind(path: Path) -> None:
    store = await SqliteStore.open(path, watch_bound_bytes=20_000)
    quiet = asyncio.ensure_future(take(store.watch("/quiet/", 1), 1))
    for _ in range(50):
        await store.commit([Put("/a", b"x" * 1000, None)])
    await store.commit([Put("/quiet/a", b"", None)])
    assert await quiet == [52]
    await store.close()


async def test_a_live_watcher_survives_a_compaction_past_what_it_has_seen(path: Path) -> None:
    store = await SqliteStore.open(path)
    watch = store.watch("/", 1)
    first = asyncio.ensure_future(take(watch, 1))
    await store.commit([Put("/a", b"", None)])
    await first
    for _ in range(5):
        await store.commit([Put("/a", b"", None)])
    await store.compact(7)
    assert await take(watch, 5) == [3, 4, 5, 6, 7]
    await store.close()


async def test_compaction_leaves_one_row_per_key_and_no_tombstones(path: Path) -> None:
    store = await SqliteStore.open(path)
    for number in range(5000):  # several slices
        await store.commit([Put(f"/{number % 10}", b"", None)])
    revision = await store.commit([Delete("/0", None)])
    await store.compact(revision)
    assert (rows(path, "log"), rows(path, "current")) == (9, 9)
    await store.close()


async def test_commits_pass_between_the_slices_of_a_compaction(path: Path) -> None:
    store = await SqliteStore.open(path)
    for start in range(0, 20_000, 1000):
        await store.commit([Put(f"/{number}", b"", None) for number in range(start, start + 1000)])
    compacting = asyncio.ensure_future(store.compact(await store.revision()))
    await store.commit([Put("/meanwhile", b"", None)])
    assert not compacting.done()
    await compacting
    await store.close()


async def test_an_interrupted_compaction_is_finished_by_the_next(path: Path) -> None:
    store = await SqliteStore.open(path)
    for start in range(0, 6000, 1000):
        await store.commit([Put(f"/{number}", b"", None) for number in range(start, start + 1000)])
        await store.commit([Delete(f"/{number}", None) for number in range(start, start + 1000)])
    revision = await store.revision()
    compacting = asyncio.ensure_future(store.compact(revision))
    await store.commit([Put("/a", b"", None)])
    compacting.cancel()
    await store.close()
    assert rows(path, "log") > 1
    store = await SqliteStore.open(path)
    await store.compact(revision)
    assert rows(path, "log") == 1
    await store.close()


async def test_a_commit_whose_caller_went_away_does_not_disturb_the_others(path: Path) -> None:
    store = await SqliteStore.open(path)
    gone = asyncio.ensure_future(store.commit([Put("/gone", b"", None)]))
    stays = asyncio.ensure_future(store.commit([Put("/stays", b"", None)]))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait_for(stays, WITHIN_S)
    assert await store.get("/stays") is not None
    await store.close()


async def test_close_answers_what_is_queued(path: Path) -> None:
    store = await SqliteStore.open(path)
    queued = [asyncio.ensure_future(store.commit([Put(f"/{number}", b"", 0)])) for number in range(2000)]
    await asyncio.sleep(0)
    await store.close()
    assert sorted(await asyncio.gather(*queued)) == list(range(2, 2002))


async def test_what_gathers_is_written_soon_and_at_the_latest_when_the_store_closes(path: Path) -> None:
    store = await SqliteStore.open(path)
    await asyncio.gather(*(store.commit([Put(f"/together/{number}", b"", 0)]) for number in range(8)))
    async with asyncio.timeout(WITHIN_S):
        await store.commit([Put("/after", b"", 0)])
        await asyncio.gather(*(store.commit([Put(f"/again/{number}", b"", 0)]) for number in range(8)))
    last = asyncio.create_task(store.commit([Put("/last", b"", 0)]))
    await asyncio.sleep(0)
    await store.close()
    assert await last == 1 + 8 + 1 + 8 + 1


async def test_commits_that_lately_came_together_share_one_transaction(path: Path) -> None:
    store = await SqliteStore.open(path)

    async def write(number: int) -> None:
        for step in range(6):
            await store.commit([Put(f"/{number}/{step}", b"", 0)])
            for _ in range(number):  # each takes its time until it writes again
                await asyncio.sleep(0)

    async def transactions() -> list[int]:
        found: list[int] = []
        async for changes in store.watch("/", 0):
            found.append(len(changes))
            if sum(found) == 48:
                return found
        raise AssertionError("unreachable")

    watching = asyncio.create_task(transactions())
    await asyncio.gather(*map(write, range(8)))
    async with asyncio.timeout(WITHIN_S):
        assert len(await watching) < 16  # 6, unless the machine is too busy to wait for anybody
    await store.close()


async def test_a_disk_that_refuses_fails_the_commit_and_the_store_goes_on(path: Path) -> None:
    store = await SqliteStore.open(path)
    await store.commit([Put("/a", b"1", 0)])
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("CREATE TRIGGER refuse BEFORE INSERT ON log BEGIN SELECT RAISE(ABORT, 'no space'); END")
    with pytest.raises(Unwritable, match="no space"):
        await store.commit([Put("/a", b"2", None)])
    blocker.execute("DROP TRIGGER refuse")
    blocker.close()
    assert await store.commit([Put("/a", b"3", 2)]) == 3
    await store.close()
