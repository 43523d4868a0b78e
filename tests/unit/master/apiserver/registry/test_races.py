"""What happens while commits are under way, in every order that the store allows."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.registry import WritableRegistry, registry_of
from podlab_testing.waiting import WITHIN_S

from master.apiserver.watchcache.cache import Cache
from master.store.contract import Delete, Put
from master.store.sqlite.store import SqliteStore
from podlab.core.v1 import config_pb2, namespace_pb2, service_pb2
from podlab.errors import ApiError, Forbidden, Invalid
from podlab.meta.v1 import meta_pb2


class HeldCommits:
    """A store whose commits wait, in order, until they are let through."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._holding = False
        self.waiting: list[asyncio.Event] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def hold(self) -> None:
        self._holding = True

    async def commit(self, operations: Sequence[Put | Delete]) -> int:
        if self._holding:
            turn = asyncio.Event()
            self.waiting.append(turn)
            await turn.wait()
        return await self._store.commit(operations)

    async def arrives(self, count: int) -> None:
        async with asyncio.timeout(WITHIN_S):
            while len(self.waiting) < count:  # noqa: ASYNC110  # each turn of the loop takes the callers further
                await asyncio.sleep(0)


@pytest.fixture
def commits(store: SqliteStore, cache: Cache) -> HeldCommits:
    held = HeldCommits(store)
    cache.store = held  # type: ignore[assignment]
    return held


@pytest.fixture(autouse=True)
async def home(registry: WritableRegistry) -> None:
    for name in ("default", "team"):
        await registry.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name=name)))
    await registry.delete("ServiceAccount", "team", "default")  # it is empty


async def held(registry: WritableRegistry, kind: str, name: str, namespace: str = "") -> Any:
    return (await registry.get(builtin_kinds.named(kind), namespace, name)).message()


async def test_nothing_slips_into_a_namespace_that_goes(
    registry: WritableRegistry, cache: Cache, commits: HeldCommits
) -> None:
    commits.hold()
    deleting = asyncio.create_task(registry.delete("Namespace", "", "team"))
    await commits.arrives(1)
    config = config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name="late", namespace="team"))
    creating = asyncio.create_task(registry.create(config))
    await commits.arrives(2)
    commits.waiting[0].set()
    await deleting
    emptied = await held(registry, "Namespace", "team")
    del emptied.spec.finalizers[:]
    ending = asyncio.create_task(registry.update(emptied))
    await commits.arrives(3)
    commits.waiting[1].set()
    with pytest.raises(Forbidden, match="because it is being terminated"):
        await creating
    commits.waiting[2].set()
    await ending
    assert not cache.window(builtin_kinds.named("ConfigMap")).entries
    await cache.catch_up()
    assert not cache.claims


async def test_a_namespace_of_the_same_name_is_open_again(registry: WritableRegistry) -> None:
    await registry.delete("Namespace", "", "team")
    emptied = await held(registry, "Namespace", "team")
    del emptied.spec.finalizers[:]
    await registry.update(emptied)
    await registry.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="team")))
    config = config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name="new", namespace="team"))
    assert await registry.create(config)


async def test_the_phase_of_a_namespace_is_not_written_back(registry: WritableRegistry) -> None:
    active = await held(registry, "Namespace", "team")
    await registry.delete("Namespace", "", "team")
    active.metadata.resourceVersion = ""
    active.status.conditions.add(type="NamespaceContentRemaining", status="True")
    await registry.update_status(active)
    assert (await held(registry, "Namespace", "team")).status.phase == "Terminating"


def service(name: str, **spec: Any) -> service_pb2.Service:
    made = service_pb2.Service(metadata=meta_pb2.ObjectMeta(name=name, namespace="default"))
    made.spec.MergeFrom(service_pb2.ServiceSpec(**spec))
    made.spec.ports.add(port=80, targetPort=meta_pb2.IntOrString(intVal=80))
    return made


def claimed_by_services(cache: Cache) -> set[str]:
    found = set()
    for entry in cache.window(builtin_kinds.named("Service")).entries.values():
        one: Any = entry.message()
        if one.spec.clusterIP != "None":
            found.add(f"/registry/networking.k8s.io/ipaddresses/{one.spec.clusterIP}")
        found |= {f"/claims/nodePorts/{port.nodePort}" for port in one.spec.ports if port.nodePort}
    return found


@pytest.mark.parametrize("seed", range(5))
async def test_what_is_claimed_is_what_services_hold(cache: Cache, seed: int) -> None:
    """Many at once on a network with few addresses: created, tried, changed, held by finalizers, deleted."""
    chance = random.Random(seed)
    registry = registry_of(cache, networks=(IPv4Network("10.96.0.0/28"),), chance=chance)

    async def act() -> None:
        name = f"s{chance.randrange(8)}"
        spec: dict[str, Any] = {"type": chance.choice(("ClusterIP", "NodePort"))}
        if chance.random() < 0.3:
            spec["clusterIP"] = chance.choice(("10.96.0.3", "10.96.0.4", "None", "10.97.0.1"))
        wanted = service(name, **spec)
        if spec["type"] == "NodePort" and chance.random() < 0.5:
            wanted.spec.ports[0].nodePort = chance.choice((30001, 30002, 29999))
        if chance.random() < 0.3:
            wanted.metadata.finalizers.append("example.com/hold")
        dry_run = chance.random() < 0.2
        with contextlib.suppress(ApiError):
            match chance.randrange(4):
                case 0 | 1:
                    await registry.create(wanted, dry_run=dry_run)
                case 2:
                    await registry.update(wanted, dry_run=dry_run)
                case _:
                    await registry.delete("Service", "default", name, dry_run=dry_run)

    for _ in range(12):
        await asyncio.gather(*(act() for _ in range(10)))
    await cache.catch_up()
    assert {*cache.claims, *cache.window(builtin_kinds.named("IPAddress")).entries} == claimed_by_services(cache)


async def test_a_port_that_another_takes_meanwhile_is_refused_and_holds_nothing(
    registry: WritableRegistry, cache: Cache, commits: HeldCommits
) -> None:
    commits.hold()
    wanted = []
    for name in ("a", "b"):
        one = service(name, type="NodePort")
        one.spec.ports[0].nodePort = 30100
        wanted.append(asyncio.create_task(registry.create(one)))
    await commits.arrives(2)
    for turn in commits.waiting:
        turn.set()
    first, second = await asyncio.gather(*wanted, return_exceptions=True)
    assert isinstance(second, Invalid)
    assert "provided port is already allocated" in str(second)
    await cache.catch_up()
    assert {*cache.claims, *cache.window(builtin_kinds.named("IPAddress")).entries} == claimed_by_services(cache)
    assert cache.claims.keys() == {"/claims/nodePorts/30100"}
    assert not isinstance(first, BaseException)
