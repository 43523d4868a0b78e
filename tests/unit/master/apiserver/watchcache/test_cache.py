from __future__ import annotations

import asyncio

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.waiting import WITHIN_S

from master.apiserver.watchcache.cache import Cache
from master.store.contract import Delete, Put
from master.store.sqlite.store import SqliteStore
from podlab.core.v1 import config_pb2
from podlab.errors import Timeout
from podlab.meta.v1 import meta_pb2

KIND = builtin_kinds.named("ConfigMap")


def put(name: str, **data: str) -> Put:
    message = config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name=name, namespace="default"), data=data)
    return Put(f"/registry/core/configmaps/default/{name}", message.SerializeToString(), None)


def names(cache: Cache) -> list[str]:
    return [entry.key.rpartition("/")[2] for entry in cache.window(KIND).ordered("/registry/core/configmaps/")]


async def test_a_read_after_an_acknowledged_write_sees_it(store: SqliteStore, cache: Cache) -> None:
    for number in range(50):
        write = put(f"c{number}")
        revision = await store.commit([write])
        await cache.catch_up()
        entry = cache.get(KIND, write.key)
        assert entry is not None
        assert entry.revision == revision


async def test_claims_and_what_another_version_stored_are_told_apart(store: SqliteStore, cache: Cache) -> None:
    claim = Put("/claims/nodePorts/30000", b"default/web", 0)
    await store.commit([put("a"), claim, Put("/registry/future/things/default/x", b"?", 0)])
    await cache.catch_up()
    assert names(cache) == ["a"]
    assert cache.claims == {"/claims/nodePorts/30000": b"default/web"}
    again = Cache(store)
    await again.load()
    running = asyncio.create_task(again.run())
    await again.catch_up()
    assert (names(again), again.claims) == (["a"], cache.claims)
    await store.commit([Delete(claim.key, None)])
    await again.catch_up()
    assert again.claims == {}
    running.cancel()


async def test_a_new_cache_replays_the_last_changes_for_old_watchers(store: SqliteStore) -> None:
    before = await store.commit([put("a")])
    await store.commit([put("b")])
    cache = Cache(store)
    await cache.load()
    running = asyncio.create_task(cache.run())
    await cache.catch_up()
    assert cache.window(KIND).position_after(before) is not None
    assert names(cache) == ["a", "b"]
    running.cancel()


async def test_a_cache_over_a_compacted_store_starts_with_what_is_kept(store: SqliteStore) -> None:
    await store.commit([put("a")])
    revision = await store.commit([put("b")])
    await store.compact(revision)
    cache = Cache(store)
    await cache.load()
    assert (names(cache), cache.revision) == (["a", "b"], revision)
    assert cache.window(KIND).position_after(revision - 1) is None


async def test_a_cache_whose_place_was_compacted_away_starts_anew(store: SqliteStore) -> None:
    cache = Cache(store)
    await cache.load()
    position = cache.window(KIND).position_after(cache.revision)
    assert position is not None
    await store.commit([put("a")])
    await store.compact(await store.commit([put("b")]))
    running = asyncio.create_task(cache.run())
    await cache.catch_up()
    assert names(cache) == ["a", "b"]
    assert cache.window(KIND).since(position, 10, 1 << 20) is None
    running.cancel()


async def test_the_cache_ends_with_its_store(store: SqliteStore) -> None:
    cache = Cache(store)
    await cache.load()
    running = asyncio.create_task(cache.run())
    await store.close()
    await asyncio.wait_for(running, WITHIN_S)


async def test_a_cache_that_is_stuck_is_told_by_its_revision(store: SqliteStore) -> None:
    cache = Cache(store, behind_limit_s=0.01)
    await cache.load()
    with pytest.raises(Timeout, match="at revision 1 and did not reach 99"):
        await cache.reach(99)
