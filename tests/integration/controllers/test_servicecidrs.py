"""One more network of Services gives more addresses, and stays until no Service has one of them."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.cluster_view import ClusterView

from master.controllers.network.servicecidr import ServiceCIDRController
from master.controllers.settings import ControllersSettings
from podlab.api.objects import condition
from podlab.core.v1.service_pb2 import Service
from podlab.errors import Invalid
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.networking.v1.serviceaddresses_pb2 import IPAddress, ServiceCIDR


def cidr(name: str = "more", network: str = "10.99.0.0/29") -> ServiceCIDR:
    made = ServiceCIDR(metadata=ObjectMeta(name=name))
    made.spec.cidrs.append(network)
    return made


def service(name: str, address: str = "") -> Service:
    made = Service(metadata=ObjectMeta(name=name, namespace="default"))
    made.spec.clusterIP = address
    made.spec.ports.add(port=80)
    return made


def found(seen: ClusterView, name: str = "more") -> ServiceCIDR | None:
    return seen.informers.of(ServiceCIDR).get(name)


def ready(seen: ClusterView, name: str = "more") -> tuple[str, str]:
    """Status and reason of the condition."""
    shown = found(seen, name)
    told = None if shown is None else condition(shown.status.conditions, "Ready")
    return ("", "") if told is None else (told.status, told.reason)


async def test_the_configured_network_is_ready(seen: ClusterView, controllers: ControllersSettings) -> None:
    await seen.until(lambda: ready(seen, "kubernetes") == ("True", ""), "the network is ready")


async def test_a_network_stays_while_services_have_its_addresses(
    seen: ClusterView, controllers: ControllersSettings
) -> None:
    with pytest.raises(Invalid, match=r"the provided IP \(10\.99\.0\.3\) is not in the valid range"):
        await seen.client.create(service("web", "10.99.0.3"))
    await seen.client.create(cidr())
    await seen.until(lambda: ready(seen) == ("True", ""), "it is ready")
    await seen.client.create(service("web", "10.99.0.3"))
    await seen.until(lambda: seen.informers.of(IPAddress).get("10.99.0.3") is not None, "the address is an object")
    await seen.client.delete(ServiceCIDR, "more")
    await seen.until(lambda: ready(seen) == ("False", "Terminating"), "it waits for the Service")
    with pytest.raises(Invalid, match="not in the valid range"):
        await seen.client.create(service("late", "10.99.0.4"))
    await seen.client.create(cidr("wider", "10.99.0.0/28"))
    await seen.until(lambda: found(seen) is None, "the address is in a wider network: it goes")


async def test_a_network_goes_after_the_last_service(cluster: Cluster, seen: ClusterView) -> None:
    running = asyncio.create_task(ServiceCIDRController(seen.client, seen.informers, grace_s=0).run())
    try:
        await seen.client.create(cidr())
        await seen.until(lambda: ready(seen) == ("True", ""), "it is ready")
        await seen.client.create(service("web", "10.99.0.3"))
        await seen.client.delete(ServiceCIDR, "more")
        await seen.until(lambda: ready(seen) == ("False", "Terminating"), "it waits for the Service")
        await seen.client.delete(Service, "web", "default")
        await seen.until(lambda: found(seen) is None, "it goes with the last address")
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
