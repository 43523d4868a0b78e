"""Two API servers on one store: each has a Lease, Service `kubernetes` has both, neither undoes the other's work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from podlab_testing.cluster import Authority
from podlab_testing.ports import reserved_ports
from podlab_testing.waiting import WITHIN_S

from master.apiserver.app.server import serving
from master.apiserver.app.server_leases import IDENTITY, IDENTITY_LABEL
from master.apiserver.settings import ApiServerSettings
from master.store.sqlite.store import SqliteStore
from podlab.client.client import Client
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.core.v1.endpoints_pb2 import Endpoints
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.errors import ApiError, Invalid
from podlab.networking.v1.serviceaddresses_pb2 import IPAddress


class Servers:
    """API servers by number, on one store, each on a host of its own as far as loopback goes."""

    def __init__(self, authority: Authority, store: SqliteStore, folder: Path, ports: tuple[int, ...]) -> None:
        self._authority = authority
        self._store = store
        self._folder = folder
        self._ports = ports
        self._running: dict[int, AsyncExitStack] = {}

    async def start(self, number: int) -> Client:
        """The server, and a client of it alone."""
        settings = ApiServerSettings(
            cluster_name="test",
            advertise_address=f"192.0.2.{number + 1}",
            data_dir=self._folder,
            tls=replace(self._authority.tls("system:apiserver"), client_ca=self._authority.signing()[0]),
            service_account_keys=(self._authority.tls("service-accounts").key,),
            bind_address=f"127.0.0.{number + 1}",
            port=self._ports[0],
            rest_port=self._ports[1],
        )
        stack = self._running[number] = AsyncExitStack()
        await stack.enter_async_context(serving(settings, self._store, lambda: self._store.written_bytes))
        return await stack.enter_async_context(
            Client(f"{settings.bind_address}:{settings.port}", self._authority.tls())
        )

    async def stop(self, number: int) -> None:
        await self._running.pop(number).aclose()

    async def close(self) -> None:
        for number in list(self._running):
            await self.stop(number)


@pytest.fixture
def two_ports() -> Iterator[tuple[int, ...]]:
    with reserved_ports(2) as ports:
        yield ports


@pytest.fixture
def folder(data_dir: Path) -> Path:
    data_dir.mkdir()
    return data_dir


@pytest.fixture
async def servers(authority: Authority, folder: Path, two_ports: tuple[int, ...]) -> AsyncIterator[Servers]:
    store = await SqliteStore.open(folder / "store.db")
    made = Servers(authority, store, folder, two_ports)
    try:
        yield made
    finally:
        await made.close()
        await store.close()


async def said(client: Client) -> tuple[list[str], list[str], int]:
    """Of Service `kubernetes`, what its Endpoints and its slice hold; and how many servers have Leases."""
    endpoints = await client.get(Endpoints, "kubernetes", "default")
    part = await client.get(EndpointSlice, "kubernetes", "default")
    leases = await client.list(Lease, "kube-system", label_selector=f"{IDENTITY_LABEL}={IDENTITY}")
    listed = [address.ip for subset in endpoints.subsets for address in subset.addresses]
    return listed, [address for each in part.endpoints for address in each.addresses], len(leases.items)


async def settles(client: Client, hosts: list[str]) -> None:
    """Until all say that there are these."""
    found = None
    try:
        async with asyncio.timeout(WITHIN_S):
            while True:
                if (found := await said(client)) == (hosts, hosts, len(hosts)):
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"wanted {hosts}, found {found}") from None


async def test_servers_that_come_and_go_are_in_the_service_kubernetes(servers: Servers) -> None:
    one = await servers.start(0)
    await settles(one, ["192.0.2.1"])
    two = await servers.start(1)
    await settles(one, ["192.0.2.1", "192.0.2.2"])
    await settles(two, ["192.0.2.1", "192.0.2.2"])
    await servers.stop(0)
    await settles(two, ["192.0.2.2"])


async def test_the_lease_of_a_server_that_is_gone_runs_out(servers: Servers) -> None:
    one = await servers.start(0)
    dead = Lease()
    dead.metadata.namespace, dead.metadata.name = "kube-system", "apiserver-dead"
    dead.metadata.labels[IDENTITY_LABEL] = IDENTITY
    dead.metadata.annotations["podlab.io/address"] = "192.0.2.9:6443"
    dead.spec.holderIdentity, dead.spec.leaseDurationSeconds = "apiserver-dead_1", 2
    await one.create(dead)
    await settles(one, ["192.0.2.1", "192.0.2.9"])
    await settles(one, ["192.0.2.1"])


async def test_two_servers_give_no_address_or_port_twice(servers: Servers) -> None:
    clients = [await servers.start(0), await servers.start(1)]

    async def create(number: int) -> Service:
        made = Service()
        made.metadata.namespace, made.metadata.name, made.spec.type = "default", f"s{number}", "NodePort"
        made.spec.ports.add(port=80)
        return await clients[number % 2].create(made)

    services = await asyncio.gather(*(create(number) for number in range(120)))
    assert len({service.spec.clusterIP for service in services}) == 120
    assert len({service.spec.ports[0].nodePort for service in services}) == 120
    held = {address.metadata.name for address in (await clients[0].list(IPAddress)).items}
    assert {service.spec.clusterIP for service in services} <= held


async def test_of_two_who_ask_two_servers_for_one_address_one_gets_it(servers: Servers) -> None:
    clients = [await servers.start(0), await servers.start(1)]

    async def create(number: int) -> Service | ApiError:
        made = Service()
        made.metadata.namespace, made.metadata.name, made.spec.type = "default", f"s{number}", "NodePort"
        made.spec.clusterIP = f"10.96.77.{number // 2 + 1}"
        made.spec.ports.add(port=80, nodePort=31000 + number // 2)
        try:
            return await clients[number % 2].create(made)
        except ApiError as error:
            return error

    answers = await asyncio.gather(*(create(number) for number in range(40)))
    for one, other in zip(answers[::2], answers[1::2], strict=True):
        assert sorted(isinstance(each, Invalid) for each in (one, other)) == [False, True]


async def test_what_both_keep_is_written_once(servers: Servers) -> None:
    await servers.start(0)
    one = await servers.start(1)
    before = await one.list(Service)
    await servers.start(2)
    assert [item.metadata.resourceVersion for item in (await one.list(Service)).items] == [
        item.metadata.resourceVersion for item in before.items
    ]
