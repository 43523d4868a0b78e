from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.registry import BY_ADMIN, Refusing, WritableRegistry, registry_of

from master.apiserver.registry.delete_collection import (
    AT_ONCE,
    RESPONSE_BYTES,
    CollectionDeletion,
    Collections,
    responses,
)
from master.apiserver.registry.registry import Written
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.selection import ListOptions
from podlab.core.v1 import config_pb2, namespace_pb2
from podlab.errors import Forbidden
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2 as pb

ALL = CollectionDeletion(ListOptions(builtin_kinds.of(builtin_kinds.named("ConfigMap")), "default"))


@pytest.fixture(autouse=True)
async def home(registry: WritableRegistry) -> None:
    await registry.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="default")))


@pytest.fixture
def collections(cache: Cache, registry: WritableRegistry) -> Collections:
    return Collections(cache, registry)


def config_map(number: int, **data: str) -> config_pb2.ConfigMap:
    return config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name=f"c{number:03}", namespace="default"), data=data)


def name_of(one: Written) -> str:
    message: Any = one.entry.message()
    return str(message.metadata.name)


async def test_what_takes_the_name_of_a_deleted_object_meanwhile_is_left_alone(
    collections: Collections, registry: WritableRegistry, cache: Cache
) -> None:
    for number in range(AT_ONCE + 2):
        await registry.create(config_map(number))
    batches = collections.delete(BY_ADMIN, ALL)
    assert len(await anext(batches)) == AT_ONCE
    gone, replaced = config_map(AT_ONCE), config_map(AT_ONCE + 1)
    for message in (gone, replaced):
        await registry.delete("ConfigMap", "default", message.metadata.name)
    await registry.create(replaced)
    assert [batch async for batch in batches] == [[]]
    await cache.catch_up()
    left = cache.window(builtin_kinds.named("ConfigMap")).entries
    assert [key.rpartition("/")[2] for key in left] == [replaced.metadata.name]


async def test_an_error_is_told_after_what_was_deleted(registry: WritableRegistry, cache: Cache) -> None:
    for number in range(3):
        await registry.create(config_map(number))

    batches = Collections(cache, registry_of(cache, Refusing("c001"))).delete(BY_ADMIN, ALL)
    assert [name_of(one) for one in await anext(batches)] == ["c000", "c002"]
    with pytest.raises(Forbidden, match="not yours"):
        await anext(batches)


async def test_responses_hold_what_was_deleted_and_stay_small(registry: WritableRegistry) -> None:
    deleted = []
    for number in range(5):
        new = config_map(number, text="x" * (RESPONSE_BYTES // 3))
        deleted.append(Written(await registry.create(new), new, None, removed=number != 0))
    made = [pb.DeleteCollectionResponse.FromString(response) for response in responses(deleted)]
    assert all(response.ByteSize() < RESPONSE_BYTES * 1.1 for response in made)
    objects = [one for response in made for one in response.deleted]
    assert [one.object.config_map.metadata.name for one in objects] == [f"c{number:03}" for number in range(5)]
    assert [one.removed for one in objects] == [False, True, True, True, True]
    assert responses([]) == []
