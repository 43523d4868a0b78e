"""Addresses and node ports of Services."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import ip_address, ip_network

import pytest

from podlab.client.client import Client
from podlab.core.v1 import service_pb2
from podlab.discovery.v1 import endpointslice_pb2
from podlab.errors import Invalid

Services = Callable[..., service_pb2.Service]


async def test_the_kubernetes_service_and_its_endpoint_exist(admin: Client) -> None:
    service = await admin.get(service_pb2.Service, "kubernetes", "default")
    assert (service.spec.clusterIP, service.spec.ports[0].port) == ("10.96.0.1", 443)
    endpoints = await admin.get(endpointslice_pb2.EndpointSlice, "kubernetes", "default")
    assert list(endpoints.endpoints[0].addresses) == ["192.0.2.1"]
    assert endpoints.ports[0].port == service.spec.ports[0].targetPort.intVal


async def test_concurrent_services_get_addresses_and_ports_of_their_own(admin: Client, service: Services) -> None:
    made = await asyncio.gather(*(admin.create(service(f"s{number}", type="NodePort")) for number in range(40)))
    addresses = {one.spec.clusterIP for one in made}
    assert len(addresses) == 40
    assert all(ip_address(address) in ip_network("10.96.0.0/16") for address in addresses)
    ports = {one.spec.ports[0].nodePort for one in made}
    assert len(ports) == 40
    assert all(30000 <= port <= 32767 for port in ports)


async def test_an_address_is_given_to_one_only_and_free_again_afterwards(admin: Client, service: Services) -> None:
    await admin.create(service("first", clusterIP="10.96.0.50"))
    with pytest.raises(Invalid, match="provided IP is already allocated"):
        await admin.create(service("second", clusterIP="10.96.0.50"))
    await admin.delete(service_pb2.Service, "first", "default")
    await admin.create(service("second", clusterIP="10.96.0.50"))


async def test_of_many_who_ask_for_the_same_address_at_once_one_gets_it(admin: Client, service: Services) -> None:
    asked = (admin.create(service(f"s{number}", clusterIP="10.96.0.60")) for number in range(8))
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(result, service_pb2.Service) for result in results) == 1
    assert all(isinstance(result, service_pb2.Service | Invalid) for result in results)


async def test_an_address_outside_the_range_is_refused(admin: Client, service: Services) -> None:
    with pytest.raises(Invalid, match="not in the valid range"):
        await admin.create(service(clusterIP="10.97.0.1"))
    with pytest.raises(Invalid, match="30000-32767"):
        await admin.create(service(type="NodePort", ports=[service_pb2.ServicePort(port=80, nodePort=80)]))


async def test_a_headless_service_has_no_address(admin: Client, service: Services) -> None:
    for name in ("one", "two"):
        assert list((await admin.create(service(name, clusterIP="None"))).spec.clusterIPs) == ["None"]


async def test_an_update_keeps_address_and_ports_and_lets_go_of_what_is_dropped(
    admin: Client, service: Services
) -> None:
    first = await admin.create(service("first", type="NodePort"))
    again = await admin.update(service("first", type="NodePort"))
    assert again == first
    port = first.spec.ports[0].nodePort
    with pytest.raises(Invalid, match="provided port is already allocated"):
        await admin.create(service("second", type="NodePort", ports=[service_pb2.ServicePort(port=1, nodePort=port)]))
    await admin.update(service("first"))
    await admin.create(service("second", type="NodePort", ports=[service_pb2.ServicePort(port=1, nodePort=port)]))


async def test_a_service_gets_and_loses_its_address_with_its_type(admin: Client, service: Services) -> None:
    named = service_pb2.Service(spec={"type": "ExternalName", "externalName": "db.example"})
    named.metadata.namespace, named.metadata.name = "default", "db"
    made = await admin.create(named)
    assert made.spec.clusterIP == ""
    made.spec.type = "ClusterIP"
    made.spec.ports.add(port=80)
    made = await admin.update(made)
    address = made.spec.clusterIP
    assert (made.spec.externalName, address != "") == ("", True)
    made.spec.type, made.spec.externalName = "ExternalName", "db.example"
    assert (await admin.update(made)).spec.clusterIP == ""
    await admin.create(service("heir", clusterIP=address))
