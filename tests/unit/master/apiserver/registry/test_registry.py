from __future__ import annotations

import asyncio
from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.registry import WritableRegistry

from master.apiserver.admission.write import PATCH_ATTEMPTS
from master.apiserver.patching.patch import parse
from master.apiserver.watchcache.cache import Cache
from podlab.core.v1 import config_pb2, namespace_pb2
from podlab.errors import AlreadyExists, BadRequest, Conflict, NotFound
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2 as pb


@pytest.fixture(autouse=True)
async def home(registry: WritableRegistry) -> None:
    await registry.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="default")))


CONFIG_MAPS = builtin_kinds.named("ConfigMap")


def config_map(name: str = "a", **data: str) -> config_pb2.ConfigMap:
    return config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name=name, namespace="default"), data=data)


async def read(registry: WritableRegistry, name: str = "a") -> Any:
    return (await registry.get(builtin_kinds.named("ConfigMap"), "default", name)).message()


@pytest.mark.parametrize(
    ("said", "is_same"),
    [
        pytest.param({"a": "1", "b": "2"}, True, id="the same"),
        pytest.param({"b": "2", "a": "1"}, True, id="the same in another order"),
        pytest.param({"a": "2", "b": "1"}, False, id="of the same length"),
        pytest.param({"a": "1"}, False, id="shorter"),
        pytest.param({}, False, id="nothing"),
    ],
)
async def test_an_update_that_says_the_same_leaves_the_revision(
    registry: WritableRegistry, said: dict[str, str], is_same: bool
) -> None:
    made = await registry.create(config_map(a="1", b="2"))
    updated = await registry.update(config_map(**said))
    assert (updated.revision == made.revision) is is_same


async def test_of_many_who_create_the_same_at_once_one_does(registry: WritableRegistry) -> None:
    results = await asyncio.gather(*(registry.create(config_map()) for _ in range(10)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, BaseException)]
    assert len(refused) == 9
    assert all(isinstance(error, AlreadyExists) for error in refused)


async def test_writers_without_a_revision_all_get_through(registry: WritableRegistry) -> None:
    await registry.create(config_map())
    await asyncio.gather(*(registry.update(config_map(who=str(number))) for number in range(8)))
    assert (await read(registry)).data["who"] in {str(number) for number in range(8)}


async def test_of_writers_with_the_same_revision_one_gets_through(registry: WritableRegistry) -> None:
    await registry.create(config_map())
    wanted = []
    for number in range(8):
        current = await read(registry)
        current.data["who"] = str(number)
        wanted.append(current)
    results = await asyncio.gather(*(registry.update(one) for one in wanted), return_exceptions=True)
    assert sum(isinstance(result, Conflict) for result in results) == 7


async def test_patches_that_race_are_tried_again_and_none_is_lost(registry: WritableRegistry) -> None:
    await registry.create(config_map())
    patches = [
        parse(pb.PATCH_TYPE_MERGE, b'{"data":{"k%d":"v"}}' % number, CONFIG_MAPS) for number in range(PATCH_ATTEMPTS)
    ]
    await asyncio.gather(*(registry.patch("ConfigMap", "default", "a", one.applied) for one in patches))
    assert len((await read(registry)).data) == PATCH_ATTEMPTS


async def test_a_patch_gives_up_when_others_are_always_first(registry: WritableRegistry) -> None:
    await registry.create(config_map())
    patches = [
        parse(pb.PATCH_TYPE_MERGE, b'{"data":{"k%d":"v"}}' % number, CONFIG_MAPS)
        for number in range(4 * PATCH_ATTEMPTS)
    ]
    results = await asyncio.gather(
        *(registry.patch("ConfigMap", "default", "a", one.applied) for one in patches), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(error, Conflict) for error in refused)
    assert len((await read(registry)).data) == len(patches) - len(refused) >= PATCH_ATTEMPTS


async def test_an_update_meant_for_another_object_of_the_name_is_refused(registry: WritableRegistry) -> None:
    await registry.create(config_map())
    stale = await read(registry)
    await registry.delete("ConfigMap", "default", "a")
    await registry.create(config_map())
    stale.metadata.resourceVersion = ""
    with pytest.raises(Conflict, match="UID in precondition"):
        await registry.update(stale)


async def test_a_stored_object_holds_no_revision_of_its_own(registry: WritableRegistry, cache: Cache) -> None:
    await registry.create(config_map())
    current = await read(registry)
    current.data["x"] = "y"
    await registry.update(current)
    held = await cache.store.get("/registry/core/configmaps/default/a")
    assert held is not None
    assert config_pb2.ConfigMap.FromString(held.value).metadata.resourceVersion == ""


async def test_a_dry_run_of_update_and_delete_leaves_all_as_it_is(registry: WritableRegistry) -> None:
    await registry.create(config_map())
    before = await read(registry)
    changed: Any = (await registry.update(config_map(x="y"), dry_run=True)).message()
    assert changed.data["x"] == "y"
    assert (await registry.delete("ConfigMap", "default", "a", dry_run=True)).removed
    assert await read(registry) == before


async def test_what_makes_no_sense_is_refused(registry: WritableRegistry) -> None:
    named = config_map()
    named.metadata.resourceVersion = "7"
    with pytest.raises(BadRequest, match="should not be set"):
        await registry.create(named)
    with pytest.raises(BadRequest, match="have no status"):
        await registry.update_status(config_map())
    with pytest.raises(NotFound):
        await registry.delete("ConfigMap", "default", "a")


async def test_the_answer_to_a_write_is_the_object_that_is_read_later(registry: WritableRegistry, cache: Cache) -> None:
    made = await registry.create(config_map())
    assert made is cache.get(made.kind, made.key)
    json = made.json()
    assert await registry.get(made.kind, "default", "a") is made
    changed = await registry.update(config_map(who="me"))
    assert changed is cache.get(made.kind, made.key)
    assert changed.json() != json
