"""What every cluster has of priorities is there, and stays as far as it has to."""

from __future__ import annotations

from typing import Any

from podlab_testing.registry import WritableRegistry

from master.apiserver.app.default_priorities import AUTOUPDATE, DefaultPriorities
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds
from podlab.flowcontrol.v1.flowschema_pb2 import FlowSchema
from podlab.flowcontrol.v1.prioritylevelconfiguration_pb2 import PriorityLevelConfiguration

LEVEL, SCHEMA = kinds.of(PriorityLevelConfiguration), kinds.of(FlowSchema)


async def level(registry: WritableRegistry, name: str) -> Any:
    return (await registry.get(LEVEL, "", name)).message()


async def dangling(registry: WritableRegistry, name: str) -> tuple[str, str]:
    schema: Any = (await registry.get(SCHEMA, "", name)).message()
    (condition,) = schema.status.conditions
    return condition.status, condition.reason


async def test_a_second_pass_writes_nothing(cache: Cache, registry: WritableRegistry) -> None:
    wanted = DefaultPriorities(cache, registry)
    await wanted.ensure()
    revision = await cache.store.revision()
    await wanted.ensure()
    assert await cache.store.revision() == revision
    assert await dangling(registry, "service-accounts") == ("False", "Found")


async def test_what_is_mandatory_comes_back_and_what_is_suggested_stays_as_its_owner_wants(
    cache: Cache, registry: WritableRegistry
) -> None:
    wanted = DefaultPriorities(cache, registry)
    await wanted.ensure()
    await registry.delete(LEVEL.name, "", "catch-all")
    mine, theirs = await level(registry, "workload-low"), await level(registry, "workload-high")
    mine.spec.limited.nominalConcurrencyShares = theirs.spec.limited.nominalConcurrencyShares = 7
    mine.metadata.annotations[AUTOUPDATE] = "false"
    await registry.update(mine)
    await registry.update(theirs)
    await wanted.ensure()
    shares = {
        name: (await level(registry, name)).spec.limited.nominalConcurrencyShares
        for name in ("catch-all", "workload-low", "workload-high")
    }
    assert shares == {"catch-all": 5, "workload-low": 7, "workload-high": 40}


async def test_what_is_put_aside_for_exempt_requests_is_the_administrators(
    cache: Cache, registry: WritableRegistry
) -> None:
    wanted = DefaultPriorities(cache, registry)
    await wanted.ensure()
    exempt = await level(registry, "exempt")
    exempt.spec.exempt.lendablePercent = 50
    await registry.update(exempt)
    await wanted.ensure()
    assert (await level(registry, "exempt")).spec.exempt.lendablePercent == 50


async def test_a_schema_without_its_level_says_so(cache: Cache, registry: WritableRegistry) -> None:
    wanted = DefaultPriorities(cache, registry)
    schema = FlowSchema(metadata={"name": "mine"}, spec={"priorityLevelConfiguration": {"name": "none"}})
    await registry.create(schema)
    await wanted.ensure()
    assert await dangling(registry, "mine") == ("True", "NotFound")
    created = PriorityLevelConfiguration(metadata={"name": "none"}, spec={"type": "Limited"})
    created.spec.limited.limitResponse.type = "Reject"
    await registry.create(created)
    await wanted.ensure()
    assert await dangling(registry, "mine") == ("False", "Found")
