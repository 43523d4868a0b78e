"""A cluster whose pods are servers of this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.pod_servers import PodServers, ServerAuthority
from podlab_testing.ports import reserved_ports

from master.apiserver.egress.client import EgressClient
from podlab.client.client import Client


@pytest.fixture
async def pods(cluster: Cluster, admin: Client) -> AsyncIterator[PodServers]:
    made = PodServers(cluster, admin)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def egress(cluster: Cluster) -> EgressClient:
    """The API server's own."""
    assert cluster.parts is not None
    return cluster.parts.outward.egress


@pytest.fixture
def unused_port() -> Iterator[int]:
    with reserved_ports(1) as (port,):
        yield port


@pytest.fixture
def servers(tmp_path: Path) -> ServerAuthority:
    """Who signs the certificates of servers in pods."""
    return ServerAuthority(tmp_path / "servers")
