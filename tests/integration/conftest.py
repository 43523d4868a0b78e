"""A running API server, and its administrator's client."""

from __future__ import annotations

import asyncio
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop
from podlab_testing.cluster import Authority, Cluster
from podlab_testing.etcd import PROGRAM, EtcdCluster, running
from podlab_testing.pod_servers import PodServers, ServerAuthority
from podlab_testing.ports import reserved_ports

from master.apiserver.settings import ApiServerSettings, EtcdSettings
from podlab.client.client import Client

MEMORY = Path("/dev/shm")  # the folders below it are ours alone


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Services run on uvloop, and so do their tests: what the loops tell of a connection is not the same."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One authority for all tests: keys take time to make."""
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def free_ports() -> Iterator[tuple[int, ...]]:
    """Three ports that nobody listens on, reserved for the test."""
    with reserved_ports(3) as ports:
        yield ports


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """The API server's data, in memory where this machine lets us: a start waits for fifty writes to reach a disk.

    What is on the disk when the power is cut is asked by the tests of the store.
    """
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path / "apiserver"
        return
    with tempfile.TemporaryDirectory(prefix="podlab-test-", dir=MEMORY) as folder:
        yield Path(folder) / "apiserver"


@pytest.fixture(scope="session")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    """One real member, which all tests share. Left out where there is no etcd."""
    if not PROGRAM.exists():
        pytest.skip(f"there is no {PROGRAM} (scripts/bootstrap servers)")
    with running(tmp_path_factory.mktemp("etcd")) as made:
        yield made


@pytest.fixture
def backend() -> str:
    """What the API server stores in: `sqlite`, or `etcd`. A module that is to run on both parametrises it."""
    return os.environ.get("PODLAB_TEST_STORE", "sqlite")


@pytest.fixture
def stored_in(backend: str, request: pytest.FixtureRequest) -> EtcdSettings | None:
    """A part of etcd that no other test has; None for a file of the API server's own."""
    if backend == "sqlite":
        return None
    found: EtcdCluster = request.getfixturevalue("etcd")
    return EtcdSettings(found.endpoints, prefix=f"/test-{uuid.uuid4().hex}")


@pytest.fixture
async def cluster(
    data_dir: Path, authority: Authority, free_ports: tuple[int, ...], stored_in: EtcdSettings | None
) -> AsyncIterator[Cluster]:
    """A running API server. A scheduler that a test starts at `settings.scheduler` is relayed to."""
    settings = ApiServerSettings(
        cluster_name="test",
        advertise_address="192.0.2.1",
        data_dir=data_dir,
        tls=replace(authority.tls("system:apiserver"), client_ca=authority.signing()[0]),
        service_account_keys=(authority.tls("service-accounts").key,),
        bind_address="127.0.0.1",
        port=free_ports[0],
        rest_port=free_ports[2],
        front_proxy=authority.front_proxy(),
        scheduler=f"127.0.0.1:{free_ports[1]}",
        etcd=stored_in,
    )
    made = Cluster(authority, settings)
    await made.start()
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
async def admin(cluster: Cluster) -> Client:
    """A client that may do everything."""
    return await cluster.client()


@pytest.fixture
async def pods(cluster: Cluster, admin: Client) -> AsyncIterator[PodServers]:
    """Node n1, and servers of this process that stand for its pods."""
    made = PodServers(cluster, admin)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def servers(tmp_path: Path) -> ServerAuthority:
    """Who signs the certificates of servers in pods."""
    return ServerAuthority(tmp_path / "servers")
