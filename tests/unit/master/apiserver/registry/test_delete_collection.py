from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message

from master.apiserver.admission.admit import admit_all
from master.apiserver.registry.delete_collection import AT_ONCE, RESPONSE_BYTES, Collections, responses
from master.apiserver.registry.registry import Deleted, Registry
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds
from podlab.core.v1 import config_pb2, namespace_pb2
from podlab.errors import Forbidden
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2 as pb

ALL = pb.DeleteCollectionRequest(kind="ConfigMap", namespace="default")


@pytest.fixture(autouse=True)
async def home(registry: Registry) -> None:
    await registry.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="default")))


@pytest.fixture
def collections(cache: Cache, registry: Registry) -> Collections:
    return Collections(cache, registry)


def config_map(number: int, **data: str) -> config_pb2.ConfigMap:
    return config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name=f"c{number:03}", namespace="default"), data=data)


def name_of(one: Deleted) -> str:
    message: Any = one.entry.message()
    return str(message.metadata.name)


async def test_what_takes_the_name_of_a_deleted_object_meanwhile_is_left_alone(
    collections: Collections, registry: Registry, cache: Cache
) -> None:
    for number in range(AT_ONCE + 2):
        await registry.create(config_map(number))
    batches = collections.delete(ALL, admit_all)
    assert len(await anext(batches)) == AT_ONCE
    gone, replaced = config_map(AT_ONCE), config_map(AT_ONCE + 1)
    for message in (gone, replaced):
        await registry.delete(pb.DeleteRequest(kind="ConfigMap", namespace="default", name=message.metadata.name))
    await registry.create(replaced)
    assert [batch async for batch in batches] == [[]]
    await cache.catch_up()
    left = cache.window(kinds.by_name("ConfigMap")).entries
    assert [key.rpartition("/")[2] for key in left] == [replaced.metadata.name]


async def test_an_error_is_told_after_what_was_deleted(collections: Collections, registry: Registry) -> None:
    for number in range(3):
        await registry.create(config_map(number))

    def admit(new: Message | None, old: Any) -> None:
        if old.metadata.name == "c001":
            raise Forbidden("not this one")

    batches = collections.delete(ALL, admit)
    assert [name_of(one) for one in await anext(batches)] == ["c000", "c002"]
    with pytest.raises(Forbidden, match="not this one"):
        await anext(batches)


async def test_responses_hold_what_was_deleted_and_stay_small(registry: Registry) -> None:
    deleted = []
    for number in range(5):
        entry = await registry.create(config_map(number, text="x" * (RESPONSE_BYTES // 3)))
        deleted.append(Deleted(entry, removed=number != 0))
    made = [pb.DeleteCollectionResponse.FromString(response) for response in responses(deleted)]
    assert all(response.ByteSize() < RESPONSE_BYTES * 1.1 for response in made)
    objects = [one for response in made for one in response.deleted]
    assert [one.object.config_map.metadata.name for one in objects] == [f"c{number:03}" for number in range(5)]
    assert [one.removed for one in objects] == [False, True, True, True, True]
    assert responses([]) == []
