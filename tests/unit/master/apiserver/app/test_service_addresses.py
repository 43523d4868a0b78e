from __future__ import annotations

from podlab_testing.registry import WritableRegistry

from master.apiserver.app.service_addresses import FORMER_CLAIMS, ServiceAddresses
from master.apiserver.registry import service_addresses
from master.apiserver.watchcache.cache import Cache
from master.store.contract import Put
from podlab.api import kinds
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.service_pb2 import Service
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.networking.v1.serviceaddresses_pb2 import IPAddress


def names(cache: Cache) -> set[str]:
    return {entry.message_as(IPAddress).metadata.name for entry in cache.window(kinds.of(IPAddress)).entries.values()}


async def with_service(registry: WritableRegistry, cache: Cache) -> Service:
    await registry.create(Namespace(metadata=ObjectMeta(name="default")))
    made = Service(metadata=ObjectMeta(name="web", namespace="default"))
    made.spec.ports.add(port=80)
    await registry.create(made)
    await cache.catch_up()
    (entry,) = cache.window(kinds.of(Service)).entries.values()
    return entry.message_as(Service)


async def test_a_service_gets_its_address_again(registry: WritableRegistry, cache: Cache) -> None:
    web = await with_service(registry, cache)
    await registry.delete("IPAddress", "", web.spec.clusterIP)
    await ServiceAddresses(cache).ensure()
    await cache.catch_up()
    assert names(cache) == {web.spec.clusterIP}


async def test_what_a_release_before_claimed_becomes_an_object(registry: WritableRegistry, cache: Cache) -> None:
    web = await with_service(registry, cache)
    await registry.delete("IPAddress", "", web.spec.clusterIP)
    await cache.store.commit([Put(f"{FORMER_CLAIMS}{web.spec.clusterIP}", b"default/web", 0)])
    await cache.catch_up()
    await ServiceAddresses(cache).ensure()
    await cache.catch_up()
    assert (names(cache), cache.claims) == ({web.spec.clusterIP}, {})


async def test_addresses_of_services_that_are_gone_go_but_not_those_of_others(
    registry: WritableRegistry, cache: Cache
) -> None:
    web = await with_service(registry, cache)
    gone, others = Service(), IPAddress(metadata=ObjectMeta(name="10.96.7.8"))
    gone.CopyFrom(web)
    gone.metadata.name, gone.spec.clusterIP = "gone", "10.96.7.7"
    others.spec.parentRef.resource, others.spec.parentRef.name = "services", "mine"
    for made in (service_addresses.address_of(gone, "10.96.7.7"), others):
        await registry.create(made)
    keeping = ServiceAddresses(cache)
    for _ in range(2):  # the second time nothing has changed
        await keeping.ensure()
        await cache.catch_up()
        assert names(cache) == {web.spec.clusterIP, "10.96.7.8"}
