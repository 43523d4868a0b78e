from __future__ import annotations

from typing import Any

import pytest
from podlab_testing.registry import WritableRegistry

from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.listing import PAGE_BYTES, Pager
from master.apiserver.watchcache.moment import ANY
from podlab.core.v1 import config_pb2, namespace_pb2
from podlab.errors import BadRequest, Expired, NotFound
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2 as pb


@pytest.fixture(autouse=True)
async def nine(registry: WritableRegistry) -> None:
    """ConfigMaps c0 to c8, every third of them labelled."""
    await registry.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="default")))
    for number in range(9):
        labels = {"third": "yes"} if number % 3 == 0 else {}
        metadata = meta_pb2.ObjectMeta(name=f"c{number}", namespace="default", labels=labels)
        await registry.create(config_pb2.ConfigMap(metadata=metadata, data={"filling": "x" * 1000}))


async def read(cache: Cache, rest: str = "", *, page_bytes: int = PAGE_BYTES, **request: Any) -> Any:
    asked = pb.ListRequest(kind="ConfigMap", **request)
    setattr(asked, "continue", rest)
    return pb.ListResponse.FromString(await Pager(cache, page_bytes).page(asked, await cache.moments.now()))


async def names(cache: Cache, *, change: WritableRegistry | None = None, **request: Any) -> list[list[str]]:
    """Page by page. With `change`, something happens after the first page, so that the rest is history."""
    pages, rest = [], ""
    while True:
        page = await read(cache, rest, **request)
        pages.append([item.config_map.metadata.name for item in page.items])
        rest = getattr(page.metadata, "continue")
        if not rest:
            return pages
        if change is not None and len(pages) == 1:
            await change.delete("ConfigMap", "default", "c6")


@pytest.mark.parametrize("changes", [False, True])
@pytest.mark.parametrize(
    ("request_", "pages"),
    [
        ({"limit": 4}, ["c0 c1 c2 c3", "c4 c5 c6 c7", "c8"]),
        ({"limit": 2, "label_selector": "third=yes"}, ["c0 c3", "c6"]),
        ({"limit": 1, "label_selector": "third=yes"}, ["c0", "c3", "c6", ""]),
        ({"limit": 3, "namespace": "default"}, ["c0 c1 c2", "c3 c4 c5", "c6 c7 c8"]),
    ],
)
async def test_pages_hold_what_was_there_at_the_first(
    cache: Cache, registry: WritableRegistry, request_: dict[str, Any], pages: list[str], changes: bool
) -> None:
    found = await names(cache, change=registry if changes else None, **request_)
    # How a list ends that a selector cuts short is open: with an empty last page, or without.
    assert [page for page in found if page] == [page.split() for page in pages if page]


@pytest.mark.parametrize("changes", [False, True])
async def test_pages_are_bounded_in_bytes(cache: Cache, registry: WritableRegistry, changes: bool) -> None:
    found = await names(cache, change=registry if changes else None, page_bytes=4000)
    assert [len(page) for page in found] == [3, 3, 3]


async def test_a_snapshot_that_was_compacted_is_expired(cache: Cache, registry: WritableRegistry) -> None:
    first = await read(cache, limit=4)
    await registry.delete("ConfigMap", "default", "c6")
    await cache.store.compact(await cache.store.revision())
    with pytest.raises(Expired, match="start a new list"):
        await read(cache, getattr(first.metadata, "continue"))


async def test_what_cannot_be_listed_is_refused(cache: Cache) -> None:
    with pytest.raises(BadRequest, match="negative"):
        await read(cache, limit=-1)
    with pytest.raises(BadRequest, match="label selector"):
        await read(cache, label_selector="a in")
    with pytest.raises(NotFound, match='no kind "Thing" is served'):
        await Pager(cache).page(pb.ListRequest(kind="Thing"), ANY)
