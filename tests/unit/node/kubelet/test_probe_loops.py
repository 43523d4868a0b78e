"""What probes do to the containers that they ask: against real servers, and in their order."""

from __future__ import annotations

import asyncio
import datetime
import ssl
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from node.kubelet import reach
from node.kubelet.memory import Memory
from node.kubelet.probes import Probes
from node.kubelet.reach import Place
from node.kubelet.runtime import Container, ExecResult, ExecTimeout
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

Make = Callable[..., Any]
NOW_NS = time.time_ns()


class Commands:
    """A runtime whose commands end with the codes that the test sets; each that was asked for is kept."""

    def __init__(self, **codes: int) -> None:
        self.codes = codes
        self.asked: list[str] = []

    async def exec_sync(self, container_id: str, command: list[str], timeout_s: int) -> ExecResult:
        self.asked.append(command[0])
        if command[0] not in self.codes:
            raise ExecTimeout(f'command "{" ".join(command)}" timed out')
        return ExecResult(self.codes[command[0]], b"")


class Probed:
    """The loops for one pod; `until` waits for what they bring about."""

    def __init__(self, commands: Commands, memory: Memory) -> None:
        self.memory = memory
        self.warnings: list[str] = []
        self._changed = asyncio.Event()
        runtime: Any = commands
        self.probes = Probes(runtime, memory, self._changed.set, self._unhealthy)

    def _unhealthy(self, container: str, message: str) -> None:
        assert container == "web"
        self.warnings.append(message)
        self._changed.set()

    async def until(self, check: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not check():
                self._changed.clear()
                await self._changed.wait()


def _exec(command: str, **more: int) -> dict[str, Any]:
    return {"exec": {"command": [command]}, "periodSeconds": 1, "failureThreshold": 1, **more}


@pytest.fixture
async def start(pod: Make, observed: Make, memory: Memory) -> AsyncIterator[Callable[..., Probed]]:
    """Begins to probe the one running container `web`."""
    begun: list[Probed] = []

    def begin(commands: Commands, run: Container, **probes: dict[str, Any]) -> Probed:
        made = Probed(commands, memory)
        container = {"name": "web", "image": "podlab.local/hello:1.0", **probes}
        made.probes.sync(pod(containers=[container]), observed(run), "10.0.0.1")
        begun.append(made)
        return made

    yield begin
    for each in begun:
        each.probes.stop()


async def test_liveness_and_readiness_wait_for_the_startup_probe(start: Make, run: Make, memory: Memory) -> None:
    commands = Commands(up=1, alive=0, ready=0)
    probed = start(
        commands,
        run(),
        startupProbe=_exec("up", failureThreshold=30),
        livenessProbe=_exec("alive"),
        readinessProbe=_exec("ready"),
    )
    await probed.until(lambda: probed.warnings)
    assert set(commands.asked) == {"up"}
    assert not memory.started
    commands.codes["up"] = 0
    await probed.until(lambda: memory.ready.get("web-0"))
    assert memory.started == {"web-0"}
    assert probed.warnings == ["Startup probe failed: command ended with exit code 1"]


async def test_a_container_that_does_not_start_up_is_ended(start: Make, run: Make, memory: Memory) -> None:
    probed = start(Commands(), run(), startupProbe=_exec("hangs"))
    await probed.until(lambda: memory.doomed)
    assert memory.doomed["web-0"].message == "Container web failed startup probe, will be restarted"
    assert probed.warnings == ['Startup probe failed: command "hangs" timed out']
    assert not memory.started


async def test_a_probes_own_grace_goes_with_the_doom(start: Make, run: Make, memory: Memory) -> None:
    probed = start(Commands(alive=1), run(), livenessProbe=_exec("alive", terminationGracePeriodSeconds=7))
    await probed.until(lambda: memory.doomed)
    assert memory.doomed["web-0"].grace_s == 7


async def test_an_initial_delay_counts_from_the_start_of_the_container(start: Make, run: Make, memory: Memory) -> None:
    long_ago = run(started_ns=NOW_NS - 3600 * 10**9)
    probed = start(Commands(ready=0), long_ago, readinessProbe=_exec("ready", initialDelaySeconds=600))
    await probed.until(lambda: memory.ready.get("web-0"))


async def test_grpc_health_is_asked_for_the_service_that_the_probe_names() -> None:
    servicer = health.aio.HealthServicer()
    await servicer.set("app", health_pb2.HealthCheckResponse.SERVING)
    await servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    place = Place("c", pod_pb2.Container(name="web"), "127.0.0.1")
    try:
        good = await reach.grpc_health(place, pod_pb2.GRPCAction(port=port, service="app"), 5.0)
        bad = await reach.grpc_health(place, pod_pb2.GRPCAction(port=port), 5.0)
        unknown = await reach.grpc_health(place, pod_pb2.GRPCAction(port=port, service="other"), 5.0)
    finally:
        await server.stop(None)
    assert (good.good, bad.good, unknown.good) == (True, False, False)
    assert "NOT_FOUND" in unknown.output


async def test_https_is_asked_without_a_look_at_the_certificate(certificate: tuple[Path, Path]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    asked: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    action = pod_pb2.HTTPGetAction(
        scheme="HTTPS",
        port=meta_pb2.IntOrString(intVal=port),
        httpHeaders=[pod_pb2.HTTPHeader(name="host", value="web.example")],
    )
    async with server:
        answer = await reach.http_get(Place("c", pod_pb2.Container(name="web"), "127.0.0.1"), action, 5.0)
    assert answer.good
    assert b"host: web.example\r\n" in asked[0]
    assert b"Host:" not in asked[0]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A server's certificate that nobody trusts, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nobody")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    directory = tmp_path_factory.mktemp("pki")
    paths = directory / "tls.crt", directory / "tls.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
