"""The API server's own client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.ports import reserved_ports

from master.apiserver.egress.client import EgressClient


@pytest.fixture
def egress(cluster: Cluster) -> EgressClient:
    assert cluster.parts is not None
    return cluster.parts.outward.egress


@pytest.fixture
def unused_port() -> Iterator[int]:
    with reserved_ports(1) as (port,):
        yield port
