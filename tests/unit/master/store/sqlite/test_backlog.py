import asyncio

import pytest

from master.store.contract import Change
from master.store.errors import Closed
from master.store.sqlite.backlog import Backlog


def change(revision: int, key: str = "/a", size: int = 0) -> Change:
    return Change(revision, key, b"x" * size, revision)


def test_a_watcher_gets_what_follows_its_revision_even_inside_a_group() -> None:
    backlog = Backlog(10, 1 << 20)
    backlog.publish([change(11), change(12), change(13, "/b")], 13)
    backlog.publish([change(14)], 14)
    assert backlog.after(11, "/a") == ([change(12), change(14)], 14)
    assert backlog.after(14, "") == ([], 14)


def test_a_watcher_ahead_of_the_backlog_stays_where_it_is() -> None:
    backlog = Backlog(10, 1 << 20)
    backlog.publish([change(11)], 11)
    assert backlog.after(15, "") == ([], 15)
    backlog.publish([change(15), change(16)], 16)
    assert backlog.after(15, "") == ([change(16)], 16)


def test_the_oldest_go_when_the_bound_is_reached_but_never_the_newest() -> None:
    backlog = Backlog(1, 2000)
    for revision in range(2, 6):
        backlog.publish([change(revision, size=500)], revision)
    assert not backlog.covers(2)
    assert backlog.covers(3)
    assert [found.revision for found in backlog.after(3, "")[0]] == [4, 5]
    backlog.publish([change(6, size=5000)], 6)
    assert backlog.covers(5)
    assert not backlog.covers(4)


async def test_a_publication_wakes_everyone_and_closing_ends_them() -> None:
    backlog = Backlog(1, 2000)
    waiting = [asyncio.ensure_future(backlog.news()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    backlog.publish([change(2)], 2)
    await asyncio.gather(*waiting[1:])
    last = asyncio.ensure_future(backlog.news())
    await asyncio.sleep(0)
    backlog.close()
    with pytest.raises(Closed):
        await last
    with pytest.raises(Closed):
        await backlog.news()
