from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from master.apiserver.bootstrap import Bootstrap
from master.apiserver.cache import Cache
from master.apiserver.registry.registry import Registry
from podlab.api import kinds
from podlab.v1 import apiserver_pb2 as pb

NETWORK = IPv4Network("10.96.0.0/16")


async def read(registry: Registry, kind: str) -> Any:
    return (await registry.get(kinds.by_name(kind), "default", "kubernetes")).message()


async def test_a_second_pass_writes_nothing(cache: Cache, registry: Registry) -> None:
    bootstrap = Bootstrap(registry, NETWORK, "192.0.2.1", 7443)
    await bootstrap.ensure()
    revision = await cache.store.revision()
    await bootstrap.ensure()
    assert await cache.store.revision() == revision


async def test_what_was_changed_or_deleted_is_put_right(cache: Cache, registry: Registry) -> None:
    await Bootstrap(registry, NETWORK, "192.0.2.1", 7443).ensure()
    await registry.delete(pb.DeleteRequest(kind="Service", namespace="default", name="kubernetes"))
    endpoints = await read(registry, "EndpointSlice")
    endpoints.endpoints[0].addresses[:] = ["192.0.2.99"]
    await registry.update(endpoints)
    await Bootstrap(registry, NETWORK, "192.0.2.2", 6443).ensure()
    service, endpoints = await read(registry, "Service"), await read(registry, "EndpointSlice")
    assert (service.spec.clusterIP, service.spec.ports[0].targetPort.intVal) == ("10.96.0.1", 6443)
    assert (list(endpoints.endpoints[0].addresses), endpoints.ports[0].port) == (["192.0.2.2"], 6443)
