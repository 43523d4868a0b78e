from __future__ import annotations

import re
from ipaddress import IPv4Network
from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.registry import WritableRegistry

from master.apiserver.app.server_leases import ServerLeases
from master.apiserver.app.system_objects import SystemObjects
from master.apiserver.watchcache.cache import Cache

NETWORKS = (IPv4Network("10.96.0.0/16"),)


async def read(registry: WritableRegistry, kind: str) -> Any:
    return (await registry.get(builtin_kinds.named(kind), "default", "kubernetes")).message()


async def test_a_second_pass_writes_nothing(cache: Cache, registry: WritableRegistry) -> None:
    bootstrap = SystemObjects(registry, NETWORKS, ServerLeases(cache, registry, "192.0.2.1", 7443), 7443)
    await bootstrap.ensure()
    revision = await cache.store.revision()
    await bootstrap.ensure()
    assert await cache.store.revision() == revision


async def test_what_was_changed_or_deleted_is_put_right(cache: Cache, registry: WritableRegistry) -> None:
    await SystemObjects(registry, NETWORKS, ServerLeases(cache, registry, "192.0.2.1", 7443), 7443).ensure()
    await registry.delete("Service", "default", "kubernetes")
    endpoints = await read(registry, "EndpointSlice")
    endpoints.endpoints[0].addresses[:] = ["192.0.2.99"]
    await registry.update(endpoints)
    await SystemObjects(registry, NETWORKS, ServerLeases(cache, registry, "192.0.2.2", 6443), 6443).ensure()
    service, endpoints = await read(registry, "Service"), await read(registry, "EndpointSlice")
    assert (service.spec.clusterIP, service.spec.ports[0].targetPort.intVal) == ("10.96.0.1", 6443)
    assert (list(endpoints.endpoints[0].addresses), endpoints.ports[0].port) == (["192.0.2.2"], 6443)


async def test_another_network_ends_no_server_and_is_told_once(
    cache: Cache, registry: WritableRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """Services keep their addresses; the rest of the Service is put right all the same."""
    await SystemObjects(registry, NETWORKS, ServerLeases(cache, registry, "192.0.2.1", 7443), 7443).ensure()
    other = (IPv4Network("10.50.0.0/16"),)
    bootstrap = SystemObjects(registry, other, ServerLeases(cache, registry, "192.0.2.1", 6443), 6443)
    await bootstrap.ensure()
    await bootstrap.ensure()
    service = await read(registry, "Service")
    assert (service.spec.clusterIP, service.spec.ports[0].targetPort.intVal) == ("10.96.0.1", 6443)
    (told,) = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert told.startswith("service_cidr is 10.50.0.0/16, but")
    assert "keeps 10.96.0.1; set podlab_service_cidr to what it was" in told


async def test_since_when_tokens_in_secrets_are_known_is_kept(cache: Cache, registry: WritableRegistry) -> None:
    place = builtin_kinds.named("ConfigMap"), "kube-system", "kube-apiserver-legacy-service-account-token-tracking"
    bootstrap = SystemObjects(registry, NETWORKS, ServerLeases(cache, registry, "192.0.2.1", 7443), 7443)
    await bootstrap.ensure()
    tracking: Any = (await registry.get(*place)).message()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", tracking.data["since"])
    tracking.data["since"] = "2020-01-02"
    await registry.update(tracking)
    await bootstrap.ensure()
    kept: Any = (await registry.get(*place)).message()
    assert kept.data["since"] == "2020-01-02"
