"""Certificates and authorities are replaced while servers and clients are connected: real sockets, nothing restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from podlab_testing.cluster import Authority, Cluster
from podlab_testing.served import leaf, pem_to_der
from podlab_testing.waiting import WITHIN_S, until

from master.apiserver.egress.kubelet.dialing import Dialer
from master.apiserver.egress.kubelet.target import Target
from podlab import pki
from podlab.client.client import Client
from podlab.client.connection import LOOKED_AT_EVERY_S
from podlab.client.informer import Informer
from podlab.component import grpc_server
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.deploy import rotation
from podlab.errors import ApiError
from podlab.tls import Tls

FOLLOWED_WITHIN_S = 3 * LOOKED_AT_EVERY_S
SERVER, ADMIN = "system:apiserver", "kubernetes-admin"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """One for each test: it is replaced."""
    return Authority(tmp_path / "pki")


def renew(authority: Authority, user: str) -> Tls:
    pki.forget_certificate(authority.directory, user.replace(":", "-"))
    return authority.tls(user)


class Load:
    """Asks as fast as it is answered; every call has to be answered."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.answered = 0
        self.failures: list[str] = []

    async def run(self) -> None:
        while True:
            try:
                await self._client.version()
                self.answered += 1
            except ApiError as error:
                self.failures.append(str(error))
            await asyncio.sleep(0.002)


@asynccontextmanager
async def background(*loops: Coroutine[object, object, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
        assert not [task for task in tasks if task.done()]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def served(port: int, tls: Tls) -> None:
    """Until a new connection gets this certificate."""
    wanted = pem_to_der(tls)
    for _ in range(round(FOLLOWED_WITHIN_S / 0.05)):
        if await asyncio.to_thread(leaf, port) == wanted:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"port {port} does not show {tls.cert} within {FOLLOWED_WITHIN_S} s")


class Following:
    """A client that says which certificates it stands on, with an informer on it and calls all the time."""

    def __init__(self, cluster: Cluster, tls: Tls) -> None:
        self.tls = tls
        self.told: list[str] = []
        self.client = Client(
            cluster.server,
            tls,
            in_force=lambda now: self.told.append(now.digests[tls.cert.name] + now.digests["ca.crt"]),
        )
        self.load = Load(self.client)
        self.maps = Informer(self.client, ConfigMap)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.client, background(self.load.run(), self.maps.run()):
            await self.maps.synced.wait()
            yield

    async def goes_over(self) -> None:
        now = self.tls.load().digests
        wanted = now[self.tls.cert.name] + now["ca.crt"]
        await until(lambda: self.told[-1] == wanted, "the client has gone over", within_s=FOLLOWED_WITHIN_S + 5)

    async def sees(self, client: Client, name: str) -> None:
        """A change that somebody else makes reaches the informer."""
        made = ConfigMap()
        made.metadata.name, made.metadata.namespace = name, "default"
        await client.create(made)
        await until(lambda: self.maps.get(name, "default"), f"the informer has {name}")

    async def lost_nothing(self) -> None:
        before = self.load.answered
        await until(lambda: self.load.answered > before + 10, "calls are answered")
        assert self.load.failures == []


async def test_a_servers_new_leaf_is_served_at_both_ports_and_connections_go_on(
    cluster: Cluster, authority: Authority
) -> None:
    settings = cluster.settings
    await served(settings.port, settings.tls)
    following = Following(cluster, authority.tls(ADMIN))
    async with following.running():
        renewed = renew(authority, SERVER)
        await served(settings.port, renewed)
        await served(settings.rest_port, renewed)
        await following.sees(following.client, "after-the-renewal")
        await following.lost_nothing()
        assert len(following.told) == 1  # its own did not change, and neither did its connection


async def test_a_client_goes_over_to_its_new_certificate_and_loses_neither_call_nor_event(
    cluster: Cluster, authority: Authority, admin: Client
) -> None:
    user = "system:node:n1"
    following = Following(cluster, authority.tls(user, "system:masters"))
    async with following.running():
        pki.forget_certificate(authority.directory, following.tls.cert.stem)
        authority.tls(user, "system:masters")
        await following.goes_over()
        await following.sees(admin, "after-the-renewal")
        await following.lost_nothing()


async def test_an_authority_takes_anothers_place_under_calls_of_which_none_is_lost(
    cluster: Cluster, authority: Authority
) -> None:
    folder, settings = authority.directory, cluster.settings
    old = authority.tls(ADMIN)
    kept = Tls(folder / "old-ca.crt", folder / "old.crt", folder / "old.key")
    for path, content in zip(kept.paths(), [path.read_bytes() for path in old.paths()], strict=True):
        path.write_bytes(content)
    following = Following(cluster, old)
    async with following.running():
        steps: list[Callable[[], object]] = [
            lambda: rotation.trust_next(folder, pki.CA_NAME),
            lambda: rotation.sign_with_next(folder),
            lambda: rotation.trust_alone(folder),
        ]
        for number, step in enumerate(steps):
            step()
            for user in (SERVER, ADMIN):  # made anew where the authority that signs is another one
                authority.tls(user)
            await served(settings.port, settings.tls)
            await served(settings.rest_port, settings.tls)
            await following.goes_over()
            await following.sees(following.client, f"after-step-{number}")
        await following.lost_nothing()
    assert await is_answered(cluster, old)
    # Neither does the server believe the old certificate, nor the old trust the server.
    assert not await is_answered(cluster, replace(kept, ca=old.ca))
    assert not await is_answered(cluster, replace(old, ca=kept.ca))


async def is_answered(cluster: Cluster, tls: Tls) -> bool:
    async with Client(cluster.server, tls) as client:
        if not await client.connected(1.0):
            return False
        await client.version()
        return True


async def test_a_client_that_hears_of_a_new_authority_first_stays_with_the_connection_that_it_has(
    cluster: Cluster, authority: Authority, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    tls = Tls(own / "ca.crt", own / "me.crt", own / "me.key")
    for path, content in zip(tls.paths(), [path.read_bytes() for path in authority.tls(ADMIN).paths()], strict=True):
        path.write_bytes(content)
    following = Following(cluster, tls)
    async with following.running():
        other = Authority(tmp_path / "other").tls(ADMIN)
        for path, content in zip(tls.paths(), [path.read_bytes() for path in other.paths()], strict=True):
            path.write_bytes(content)
        await asyncio.wait_for(following.client._connection.renew(), WITHIN_S)
        await following.lost_nothing()
        assert len(following.told) == 1


async def test_a_components_server_and_those_who_call_it_follow_their_files(
    authority: Authority, free_ports: tuple[int, ...]
) -> None:
    user, address = "system:node:n1", f"127.0.0.1:{free_ports[0]}"
    server, _ = grpc_server(authority.tls(user), address, [], allowed_users=frozenset({SERVER}))
    told: asyncio.Queue[bytes] = asyncio.Queue()
    server.add_generic_rpc_handlers((_telling(told),))
    await server.start()
    dialer, target = Dialer(authority.tls(SERVER)), Target("n1", address)
    steps: list[Callable[[], object]] = [
        lambda: rotation.trust_next(authority.directory, pki.CA_NAME),
        lambda: rotation.sign_with_next(authority.directory),
        lambda: rotation.trust_alone(authority.directory),
    ]
    try:
        stream = (await dialer.dial(target)).unary_stream(METHOD)(b"")
        for number, step in enumerate(steps):
            step()
            authority.tls(SERVER)
            await served(free_ports[0], authority.tls(user))
            stub = health_pb2_grpc.HealthStub(await dialer.dial(target))
            await stub.Check(health_pb2.HealthCheckRequest())
            await told.put(str(number).encode())
            assert await asyncio.wait_for(stream.read(), 5.0) == str(number).encode()  # one of before goes on
    finally:
        await dialer.close()
        await server.stop(0)


METHOD = "/test.Telling/Tell"


def _telling(told: asyncio.Queue[bytes]) -> grpc.GenericRpcHandler:
    async def tell(_: bytes, __: object) -> AsyncIterator[bytes]:
        while True:
            yield await told.get()

    return grpc.method_handlers_generic_handler("test.Telling", {"Tell": grpc.unary_stream_rpc_method_handler(tell)})
