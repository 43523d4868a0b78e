"""Of two API servers on one etcd, one is cut off from it: its clients go on with the other one, watches too."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from podlab_testing.cluster import Cluster, another_server
from podlab_testing.ports import reserved_ports
from podlab_testing.relay import Relay
from podlab_testing.waiting import until

from master.apiserver.app.cutoff import neighbours
from master.apiserver.app.cutoff.cutoff import Neighbour
from podlab.client.client import Client
from podlab.client.informer import Informer
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.errors import ApiError

ConfigMaps = Callable[..., ConfigMap]
pytestmark = pytest.mark.parametrize("backend", ["etcd"])
CLIENTS = 4
# The store's own patience, four seconds of silence, two for another server that does not answer; and a busy machine.
MOVED_WITHIN_S = 40.0


@pytest.fixture
async def to_etcd(cluster: Cluster) -> AsyncIterator[Relay]:
    """The way of the second server to etcd."""
    assert cluster.settings.etcd is not None
    (endpoint,) = cluster.settings.etcd.endpoints
    with reserved_ports(1) as (port,):
        relay = Relay(port, int(endpoint.rpartition(":")[2]))
        await relay.start()
        try:
            yield relay
        finally:
            await relay.close()


@pytest.fixture
async def second(
    cluster: Cluster, to_etcd: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Cluster]:
    """The address that the first one tells of itself leads nowhere here, but for loopback."""
    at, ask = f"127.0.0.1:{cluster.settings.rest_port}", neighbours.ask
    monkeypatch.setattr(neighbours, "ask", lambda ca, _: ask(ca, at))
    assert cluster.settings.etcd is not None
    through = replace(cluster.settings.etcd, endpoints=(f"127.0.0.1:{to_etcd.port}",))
    async with another_server(cluster, tmp_path / "second", through) as made:
        yield made


@pytest.fixture
async def clients(cluster: Cluster, second: Cluster) -> AsyncIterator[list[Client]]:
    """Of both servers; some of them are connected to the second."""
    async with AsyncExitStack() as stack:
        servers = f"{second.server},{cluster.server}"
        made = [Client(servers, cluster.authority.tls()) for _ in range(CLIENTS)]
        yield [await stack.enter_async_context(client) for client in made]


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def written(client: Client, made: ConfigMap) -> None:
    """As soon as anybody takes it."""
    ends_s = time.monotonic() + MOVED_WITHIN_S
    while True:
        try:
            await client.create(made)
        except ApiError:
            assert time.monotonic() < ends_s
            await asyncio.sleep(0.1)
        else:
            return


async def until_listening(port: int, wanted: bool) -> None:
    ends_s = time.monotonic() + MOVED_WITHIN_S
    while await listens(port) is not wanted:
        assert time.monotonic() < ends_s, f"port {port} is not {'open' if wanted else 'closed'}"
        await asyncio.sleep(0.1)


async def test_clients_of_a_server_that_is_cut_off_go_on_with_another(
    cluster: Cluster, second: Cluster, to_etcd: Relay, clients: list[Client], config_map: ConfigMaps
) -> None:
    informers = [Informer(client, ConfigMap, namespace="default") for client in clients]
    running = [asyncio.create_task(informer.run()) for informer in informers]
    await asyncio.gather(*(informer.synced.wait() for informer in informers))
    to_etcd.send(signal.SIGSTOP)
    await until_listening(second.settings.port, wanted=False)
    assert not await listens(second.settings.rest_port)
    await asyncio.gather(*(written(client, config_map(f"by-{number}")) for number, client in enumerate(clients)))
    await until(
        lambda: all(informer.get(f"by-{number}", "default") for informer in informers for number in range(CLIENTS)),
        "every watch goes on",
    )
    to_etcd.send(signal.SIGCONT)
    await until_listening(second.settings.port, wanted=True)
    async with Client(second.server, second.authority.tls()) as client:
        assert await client.get(ConfigMap, "by-0", "default")
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def test_another_server_is_asked_whether_it_is_ready(cluster: Cluster, free_ports: tuple[int, ...]) -> None:
    ca = cluster.settings.tls.ca
    assert await neighbours.ask(ca, f"127.0.0.1:{cluster.settings.rest_port}") is Neighbour.READY
    assert await neighbours.ask(ca, f"127.0.0.1:{free_ports[1]}") is Neighbour.NOT_READY
    assert await neighbours.ask(ca, "nowhere.invalid:6443") is Neighbour.AWAY
