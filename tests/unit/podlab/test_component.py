from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc
from podlab_testing.certificates import key
from podlab_testing.ports import reserved_ports

from podlab import pki, subject
from podlab.component import common_name, grpc_server
from podlab.errors import ServicerContext
from podlab.tls import Tls

CN, O, OU = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME  # noqa: E741
Attributes = list[tuple[x509.ObjectIdentifier, str]]

SUBJECTS: list[Attributes] = [
    [(CN, "system:apiserver"), (O, "system:masters")],
    [(CN, "system:node:n-1.example")],
    [(CN, "jane doe"), (O, "dev"), (O, "ops")],
    [(O, "CN=system:apiserver"), (CN, "jane")],
    [(CN, "jane"), (O, "dev,CN=system:apiserver")],
    [(CN, "system:apiserver,O=system:masters")],
    [(CN, "system:apiserver+CN=jane")],
    [(CN, "jané"), (O, "dév")],
    [(CN, "jane"), (CN, "system:apiserver")],
    [(O, "system:masters")],
    [(CN, "system:apiserver"), (OU, "dev")],
    [(CN, "system:apiserver\0.example")],
    [(CN, " system:apiserver")],
]


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


@pytest.fixture
def authority(tmp_path: Path) -> pki.Ca:
    authority = pki.ensure_ca(tmp_path)
    pki.ensure_certificate(authority, tmp_path, "server", "system:apiserver", [], ["127.0.0.1"])
    return authority


@pytest.fixture
async def server(authority: pki.Ca, tmp_path: Path) -> AsyncIterator[str]:
    """host:port of a server that answers who its caller is."""

    async def whoami(_: bytes, context: ServicerContext) -> bytes:
        return common_name(context).encode()

    handler = grpc.method_handlers_generic_handler("test", {"WhoAmI": grpc.unary_unary_rpc_method_handler(whoami)})
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    pair = (tmp_path / "server.key").read_bytes(), (tmp_path / "server.crt").read_bytes()
    credentials = grpc.ssl_server_credentials([pair], (tmp_path / "ca.crt").read_bytes(), require_client_auth=True)
    with reserved_ports(1) as (port,):
        server.add_secure_port(f"127.0.0.1:{port}", credentials)
        await server.start()
        yield f"127.0.0.1:{port}"
        await server.stop(0)


@pytest.mark.parametrize("attributes", SUBJECTS, ids=repr)
async def test_the_caller_is_whom_the_subject_names(
    attributes: Attributes, server: str, authority: pki.Ca, tmp_path: Path
) -> None:
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])
    try:
        expected = subject.read(name).common_name
    except ValueError:
        expected = ""
    shown = _shown(name, authority, (tmp_path / "ca.crt").read_bytes())
    async with grpc.aio.secure_channel(server, shown) as channel:
        assert (await channel.unary_unary("/test/WhoAmI")(b"")).decode() == expected


def test_a_component_starts_without_cryptography() -> None:
    looked = "import sys, podlab.component, podlab.client.client; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", looked], check=False).returncode == 0


def _shown(name: x509.Name, authority: pki.Ca, ca: bytes) -> grpc.ChannelCredentials:
    private, now = key(), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(authority.certificate.subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(minutes=10))
        .sign(authority.key, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return grpc.ssl_channel_credentials(ca, pem, certificate.public_bytes(serialization.Encoding.PEM))
