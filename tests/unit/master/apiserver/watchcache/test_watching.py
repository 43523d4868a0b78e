from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.registry import WritableRegistry

from master.apiserver.watchcache import watching
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CachedObject
from master.apiserver.watchcache.kind_window import WINDOW_EVENTS
from master.apiserver.watchcache.moment import ANY
from master.apiserver.watchcache.watching import MESSAGES, Watcher
from master.store.contract import Put
from podlab.core.v1 import namespace_pb2
from podlab.errors import Expired
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2 as pb


def watch(watches: Watcher, **request: Any) -> Any:
    started = watches.watch(pb.WatchRequest(kind="Namespace", **request), ANY)
    return aclosing(cast("Any", started))


async def response(stream: AsyncIterator[bytes]) -> list[tuple[int, str]]:
    events = pb.WatchResponse.FromString(await anext(stream)).events
    return [(event.type, event.object.namespace.metadata.name or event.resource_version) for event in events]


def namespace(name: str) -> namespace_pb2.Namespace:
    return namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name=name))


async def test_a_watcher_that_falls_behind_is_closed(cache: Cache) -> None:
    window = cache.window(builtin_kinds.named("Namespace"))
    value = namespace("busy").SerializeToString()
    async with watch(Watcher(cache)) as stream:
        assert await response(stream) == [(pb.EVENT_TYPE_BOOKMARK, "1")]
        for revision in range(2, WINDOW_EVENTS * 2):
            window.apply(f"{window.prefix}busy", value, revision)
        with pytest.raises(Expired, match="fell too far behind"):
            await anext(stream)


async def test_an_idle_watcher_gets_bookmarks(cache: Cache) -> None:
    watches = Watcher(cache, bookmark_every_s=0.0)
    async with watch(watches, resource_version="1") as stream:
        assert await response(stream) == [(pb.EVENT_TYPE_BOOKMARK, "1")]
        revision = await cache.store.commit([Put("/registry/core/configmaps/default/x", b"", None)])
        await cache.reach(revision)
        assert await response(stream) == [(pb.EVENT_TYPE_BOOKMARK, str(revision))]


async def test_a_bookmark_is_not_ahead_of_a_change_that_came_while_it_was_prepared(
    cache: Cache, registry: WritableRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who went on from it after a break would never see the change."""

    async def prepare(_: Sequence[CachedObject]) -> None:
        if not cache.window(builtin_kinds.named("Namespace")).entries:
            await registry.create(namespace("a"))
            await cache.catch_up()

    monkeypatch.setattr(watching, "MESSAGES", replace(MESSAGES, prepare=prepare))
    async with watch(Watcher(cache, bookmark_every_s=0.0), resource_version="1") as stream:
        assert await response(stream) == [(pb.EVENT_TYPE_BOOKMARK, "1")]
        assert await response(stream) == [(pb.EVENT_TYPE_ADDED, "a")]


async def test_changes_made_while_the_present_is_told_follow_it(cache: Cache, registry: WritableRegistry) -> None:
    await registry.create(namespace("a"))
    async with watch(Watcher(cache)) as stream:
        assert await response(stream) == [(pb.EVENT_TYPE_ADDED, "a")]
        await registry.create(namespace("b"))
        await cache.catch_up()
        assert (await response(stream))[0][0] == pb.EVENT_TYPE_BOOKMARK
        assert await response(stream) == [(pb.EVENT_TYPE_ADDED, "b")]


async def test_changes_that_come_together_share_a_message(cache: Cache) -> None:
    window = cache.window(builtin_kinds.named("Namespace"))
    value = namespace("busy").SerializeToString()
    async with watch(Watcher(cache), resource_version="1") as stream:
        coming = asyncio.create_task(response(stream))
        await asyncio.sleep(0)
        for revision in range(2, 22):
            window.apply(f"{window.prefix}busy", value, revision)
        window.wake()
        assert len(await coming) == 20
