"""What every store must do, whatever is behind it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from podlab_testing.waiting import WITHIN_S

from master.store.contract import Change, Delete, Entry, Limits, Put, Store, size_bytes
from master.store.errors import Closed, Compacted, FutureRevision, Mismatch


async def take(watch: AsyncIterator[list[Change]], count: int) -> list[Change]:
    """The next `count` changes of a watch."""
    taken: list[Change] = []
    while len(taken) < count:
        taken += await asyncio.wait_for(anext(watch), WITHIN_S)
    return taken


async def test_an_empty_store_has_a_revision_and_holds_nothing(store: Store) -> None:
    at = await store.revision()
    assert at >= 1
    assert await store.get("/a") is None
    found = await store.range("")
    assert (found.entries, found.revision, found.more) == ((), at, False)


async def test_what_was_put_is_read_back_with_its_revisions(store: Store) -> None:
    at = await store.revision()
    first = await store.commit([Put("/a", b"one", None)])
    second = await store.commit([Put("/a", b"two", first)])
    assert (first, second) == (at + 1, at + 2)
    assert await store.get("/a") == Entry("/a", b"two", create_revision=first, mod_revision=second)
    assert await store.revision() == second


async def test_values_are_opaque_bytes_even_when_empty(store: Store) -> None:
    for value in (b"", b"\0", bytes(range(256)), "ключ'\"".encode()):
        await store.commit([Put("/a", value, None)])
        entry = await store.get("/a")
        assert entry is not None
        assert entry.value == value


async def test_a_commit_is_one_revision_for_all_its_operations(store: Store) -> None:
    await store.commit([Put("/old", b"x", None)])
    revision = await store.commit([Put("/a", b"1", 0), Put("/b", b"2", 0), Delete("/old", None)])
    found = await store.range("/")
    assert [(entry.key, entry.mod_revision) for entry in found.entries] == [("/a", revision), ("/b", revision)]


async def test_a_mismatch_names_key_and_revisions_and_writes_nothing(store: Store) -> None:
    at = await store.commit([Put("/a", b"1", 0)])
    with pytest.raises(Mismatch) as refused:
        await store.commit([Put("/b", b"2", 0), Put("/a", b"3", 0)])
    assert (refused.value.key, refused.value.expected, refused.value.found) == ("/a", 0, at)
    assert "/a" in str(refused.value)
    assert await store.get("/b") is None
    assert await store.revision() == at


async def test_a_stale_revision_and_a_missing_key_are_mismatches(store: Store) -> None:
    first = await store.commit([Put("/a", b"1", 0)])
    second = await store.commit([Put("/a", b"2", first)])
    with pytest.raises(Mismatch) as stale:
        await store.commit([Delete("/a", first)])
    assert (stale.value.expected, stale.value.found) == (first, second)
    with pytest.raises(Mismatch) as missing:
        await store.commit([Put("/gone", b"", second)])
    assert (missing.value.expected, missing.value.found) == (second, 0)


async def test_deleting_what_is_gone_is_success_and_takes_no_revision(store: Store) -> None:
    at = await store.revision()
    assert await store.commit([Delete("/a", None)]) == at
    assert await store.commit([Delete("/a", 0), Delete("/b", None)]) == at
    await store.commit([Put("/a", b"", None)])
    assert await store.commit([Delete("/a", at + 1)]) == at + 2
    assert await store.get("/a") is None


async def test_of_deletions_what_is_there_is_deleted_and_one_that_expects_absence_is_refused(store: Store) -> None:
    at = await store.commit([Put("/a", b"", None), Put("/c", b"", None)])
    with pytest.raises(Mismatch) as refused:
        await store.commit([Delete("/b", None), Delete("/a", 0)])
    assert (refused.value.key, refused.value.expected, refused.value.found) == ("/a", 0, at)
    assert await store.commit([Delete("/b", 0), Delete("/a", None)]) == at + 1
    assert [entry.key for entry in (await store.range("/")).entries] == ["/c"]


async def test_a_key_made_again_has_a_new_create_revision(store: Store) -> None:
    await store.commit([Put("/a", b"1", None)])
    await store.commit([Delete("/a", None)])
    again = await store.commit([Put("/a", b"2", 0)])
    assert await store.get("/a") == Entry("/a", b"2", again, again)


@pytest.mark.parametrize(
    "operations",
    [
        [],
        [Put("", b"", None)],
        [Put("/a\0b", b"", None)],
        [Put("/\ud800", b"", None)],
        [Put("/a", b"1", None), Delete("/a", None)],
        [Put("/a", b"", -1)],
    ],
)
async def test_a_commit_that_no_state_could_make_right_is_a_value_error(
    store: Store, operations: list[Put | Delete]
) -> None:
    at = await store.revision()
    with pytest.raises(ValueError, match=r"commit|key|negative"):
        await store.commit(operations)
    assert await store.revision() == at


async def test_a_range_is_ordered_by_code_point_and_keeps_to_its_prefix(store: Store) -> None:
    keys = ["/p/a", "/p/B", "/p/ä", "/p/z", "/p/😀", "/p", "/q/a", "/p0"]
    await store.commit([Put(key, key.encode(), 0) for key in keys])
    found = await store.range("/p/")
    assert [entry.key for entry in found.entries] == ["/p/B", "/p/a", "/p/z", "/p/ä", "/p/😀"]


async def test_pages_are_consistent_while_others_write(store: Store) -> None:
    await store.commit([Put(f"/p/{number}", b"old", 0) for number in range(7)])
    page = await store.range("/p/", limit=3)
    assert page.more
    keys = [entry.key for entry in page.entries]
    await store.commit([Delete("/p/4", None), Put("/p/5", b"new", None), Put("/p/45", b"new", 0)])
    await store.commit([Put("/p/4", b"back", 0)])
    while page.more:
        page = await store.range("/p/", start_after=keys[-1], limit=3, revision=page.revision)
        assert {entry.value for entry in page.entries} == {b"old"}
        keys += [entry.key for entry in page.entries]
    assert keys == [f"/p/{number}" for number in range(7)]


async def test_a_limit_that_cuts_nothing_off_says_so(store: Store) -> None:
    await store.commit([Put("/a", b"", 0), Put("/b", b"", 0)])
    assert not (await store.range("/", limit=2)).more
    assert (await store.range("/", limit=1)).more


async def test_what_is_compacted_is_refused_and_the_rest_still_answers(store: Store) -> None:
    at = await store.revision()
    for number in range(5):
        await store.commit([Put("/a", str(number).encode(), None), Put(f"/{number}", b"", None)])
    await store.commit([Delete("/a", None)])
    await store.compact(at + 3)
    with pytest.raises(Compacted) as refused:
        await store.range("/a", revision=at + 2)
    assert (refused.value.revision, refused.value.oldest) == (at + 2, at + 3)
    with pytest.raises(Compacted):
        await anext(store.watch("/", at + 2))
    assert [entry.value for entry in (await store.range("/a", revision=at + 3)).entries] == [b"2"]
    changes = await take(store.watch("/a", at + 3), 3)
    assert [change.value for change in changes] == [b"3", b"4", None]


async def test_a_watch_from_the_oldest_revision_on_reaches_the_last(store: Store) -> None:
    """What follows a store can tell when it has seen all of it."""
    try:
        oldest = (await store.range("/", revision=1)).revision
    except Compacted as refused:
        oldest = refused.oldest
        assert (await store.range("/", revision=oldest)).entries == ()
    assert oldest <= await store.revision()
    await store.commit([Put("/a", b"1", None)])
    changes = await take(store.watch("/", oldest), 1)
    assert changes[-1].revision == await store.revision()


async def test_compacting_again_is_success_and_ahead_is_refused(store: Store) -> None:
    at = await store.commit([Put("/a", b"1", None)])
    await store.compact(at)
    await store.compact(at - 1)
    await store.compact(at)
    with pytest.raises(FutureRevision):
        await store.compact(at + 1)
    assert [entry.value for entry in (await store.range("/")).entries] == [b"1"]


async def test_the_revision_stays_after_everything_is_deleted_and_compacted(store: Store) -> None:
    await store.commit([Put("/a", b"1", None)])
    revision = await store.commit([Delete("/a", None)])
    await store.compact(revision)
    assert await store.revision() == revision
    assert await store.commit([Put("/a", b"2", 0)]) == revision + 1


async def test_a_revision_that_has_not_happened_is_refused(store: Store) -> None:
    ahead = await store.revision() + 1
    with pytest.raises(FutureRevision):
        await store.range("/", revision=ahead)
    with pytest.raises(FutureRevision):
        await anext(store.watch("/", ahead))


async def test_a_watch_tells_what_was_and_then_what_comes(store: Store) -> None:
    at = await store.commit([Put("/w/a", b"1", None)])
    watch = store.watch("/w/", at - 1)
    assert await take(watch, 1) == [Change(at, "/w/a", b"1", at)]
    coming = asyncio.ensure_future(take(watch, 2))
    await store.commit([Put("/other", b"", None)])
    await store.commit([Put("/w/a", b"2", None)])
    await store.commit([Delete("/w/a", None)])
    assert await coming == [Change(at + 2, "/w/a", b"2", at), Change(at + 3, "/w/a", None, at)]


async def test_a_batch_of_a_watch_never_splits_a_commit(store: Store) -> None:
    at, size = await store.revision(), min(700, store.limits.operations)
    for _ in range(3):
        await store.commit([Put(f"/{number}", b"x", None) for number in range(size)])
    watch = store.watch("/", at)
    seen: list[int] = []
    while len(seen) < 3:
        batch = await asyncio.wait_for(anext(watch), WITHIN_S)
        revisions = sorted({change.revision for change in batch})
        assert len(batch) == size * len(revisions)
        seen += revisions
    assert seen == [at + 1, at + 2, at + 3]


async def test_many_writers_of_one_key_each_win_exactly_once(store: Store) -> None:
    await store.commit([Put("/counter", b"0", 0)])

    async def increment() -> None:
        while True:
            entry = await store.get("/counter")
            assert entry is not None
            try:
                await store.commit([Put("/counter", str(int(entry.value) + 1).encode(), entry.mod_revision)])
                return
            except Mismatch:
                continue

    await asyncio.gather(*(increment() for _ in range(20)))
    entry = await store.get("/counter")
    assert entry is not None
    assert entry.value == b"20"


async def test_watchers_see_all_of_concurrent_writes_once_and_in_order(store: Store) -> None:
    async def write(number: int) -> None:
        for count in range(20):
            await store.commit([Put(f"/w/{number}", str(count).encode(), None), Put(f"/x/{number}", b"", None)])

    async def watch(start: int) -> list[Change]:
        return await take(store.watch("/w/", start), 160)

    at = await store.revision()
    early = [asyncio.ensure_future(watch(at)) for _ in range(3)]
    await asyncio.gather(*(write(number) for number in range(8)))
    for changes in await asyncio.gather(*early, watch(at)):
        assert [change.revision for change in changes] == list(range(at + 1, at + 161))
        for number in range(8):
            mine = [change.value for change in changes if change.key == f"/w/{number}"]
            assert mine == [str(count).encode() for count in range(20)]


async def test_a_closed_store_refuses_everything(store: Store) -> None:
    watch = store.watch("/", await store.revision())
    waiting = asyncio.ensure_future(anext(watch))
    await store.get("/a")
    await store.close()
    await store.close()
    with pytest.raises(Closed):
        await asyncio.wait_for(waiting, WITHIN_S)
    with pytest.raises(Closed):
        await store.commit([Put("/a", b"", None)])
    with pytest.raises(Closed):
        await store.get("/a")


async def test_a_commit_beyond_the_limits_is_refused(store: Store) -> None:
    at, most = await store.revision(), store.limits.operations
    with pytest.raises(ValueError, match="a commit holds at most"):
        await store.commit([Delete(f"/{number}", None) for number in range(most + 1)])
    assert await store.revision() == at


@pytest.mark.parametrize(
    ("sizes", "batches"),
    [
        ([], []),
        ([9], [[9]]),
        ([4, 4], [[4, 4]]),
        ([4, 4, 1], [[4, 4], [1]]),
        ([1, 1, 1, 1], [[1, 1, 1], [1]]),
        ([4, 4, 4], [[4, 4], [4]]),
    ],
)
def test_batches_are_as_large_as_limits_allow(sizes: list[int], batches: list[list[int]]) -> None:
    puts = [Put(f"/{number}", b"x" * size, 0) for number, size in enumerate(sizes)]
    made = [*Limits(operations=3, value_bytes=8).batches(puts)]
    assert [[size_bytes(one) for one in batch] for batch in made] == batches
