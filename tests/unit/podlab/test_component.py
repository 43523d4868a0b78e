from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from podlab_testing.ports import reserved_ports

from podlab import pki
from podlab.component import grpc_server
from podlab.tls import Tls


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    authority = pki.ensure_ca(tmp_path)
    pki.ensure_certificate(authority, tmp_path, "one", "system:apiserver", ["system:masters"], ["127.0.0.1"])
    return Tls(tmp_path / "ca.crt", tmp_path / "one.crt", tmp_path / "one.key")


@pytest.fixture
async def health(tls: Tls) -> AsyncIterator[health_pb2_grpc.HealthStub]:
    """Of a component that allows its caller."""
    with reserved_ports(1) as (port,):
        server, _ = grpc_server(tls, f"127.0.0.1:{port}", [], allowed_users=frozenset({"system:apiserver"}))
        await server.start()
        shown = grpc.ssl_channel_credentials(tls.ca.read_bytes(), tls.key.read_bytes(), tls.cert.read_bytes())
        async with grpc.aio.secure_channel(f"127.0.0.1:{port}", shown) as channel:
            yield health_pb2_grpc.HealthStub(channel)
        await server.stop(0)


async def test_a_method_that_writes_its_answers_itself_is_guarded_as_well(health: health_pb2_grpc.HealthStub) -> None:
    watch = health.Watch(health_pb2.HealthCheckRequest())
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    assert (await health.Check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.SERVING
