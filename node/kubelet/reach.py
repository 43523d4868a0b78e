"""The four ways in which a probe or hook reaches into a container: a command, HTTP, TCP, gRPC.

Each returns an `Answer`; none raises for what the container does.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import ssl
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from node.kubelet.runtime import ExecTimeout, Runtime, RuntimeFailure
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

MAX_OUTPUT = 10 * 1024
_HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name


@dataclass(frozen=True)
class Answer:
    """`output` says what was found, for the event."""

    good: bool
    output: str = ""


@dataclass(frozen=True)
class Place:
    """The running container that is asked."""

    container_id: str
    container: pod_pb2.Container
    pod_ip: str


async def command(runtime: Runtime, place: Place, action: pod_pb2.ExecAction, timeout_s: int) -> Answer:
    """Good when it ends with 0 in time."""
    try:
        result = await runtime.exec_sync(place.container_id, action.command, timeout_s)
    except ExecTimeout as error:
        return Answer(False, str(error))
    except RuntimeFailure as error:
        return Answer(False, f"command cannot be run: {error}")
    told = result.output[:MAX_OUTPUT].decode(errors="replace").strip()
    return Answer(result.exit_code == 0, told or f"command ended with exit code {result.exit_code}")


async def http_get(place: Place, action: pod_pb2.HTTPGetAction, timeout_s: float) -> Answer:
    """Good when it answers with 200 to 399."""
    try:
        port = port_number(place.container, action.port)
    except ValueError as error:
        return Answer(False, str(error))
    host, tls = action.host or place.pod_ip, action.scheme.upper() == "HTTPS"
    path = action.path if action.path.startswith("/") else f"/{action.path}"
    url = f"{'https' if tls else 'http'}://{host}:{port}{path}"
    try:
        async with asyncio.timeout(timeout_s):
            code = await _get(host, port, path, action, tls)
    except TimeoutError:
        why = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        return Answer(False, f'Get "{url}": {why}')
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(False, f'Get "{url}": {error}')
    if 200 <= code < 400:
        return Answer(True)
    return Answer(False, f"HTTP probe failed with statuscode: {code}")


async def tcp(place: Place, action: pod_pb2.TCPSocketAction, timeout_s: float) -> Answer:
    """Good when a connection can be made."""
    try:
        host, port = action.host or place.pod_ip, port_number(place.container, action.port)
        async with asyncio.timeout(timeout_s):
            _, writer = await _connect(host, port)
        writer.transport.abort()
    except TimeoutError:
        return Answer(False, f"dial tcp {host}:{port}: i/o timeout")
    except (OSError, ValueError) as error:
        return Answer(False, str(error))
    return Answer(True)


async def grpc_health(place: Place, action: pod_pb2.GRPCAction, timeout_s: float) -> Answer:
    """Good when grpc.health.v1 says SERVING."""
    options = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]
    address = f"{place.pod_ip}:{action.port}"
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=action.service), timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            return Answer(False, _health_failure(error, address, timeout_s))
    serving = answer.status == health_pb2.HealthCheckResponse.SERVING
    word = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return Answer(serving, "" if serving else f'service unhealthy (responded with "{word}")')


def port_number(container: pod_pb2.Container, port: meta_pb2.IntOrString) -> int:
    """A port given by number, or by the name of one of the container's ports. Raises ValueError."""
    if port.type == 0:
        return port.intVal
    for named in container.ports:
        if named.name == port.strVal:
            return named.containerPort
    if port.strVal.isdigit():
        return int(port.strVal)
    raise ValueError(f'container "{container.name}" has no port named "{port.strVal}"')


def _health_failure(error: grpc.aio.AioRpcError, address: str, timeout_s: float) -> str:
    match error.code():
        case grpc.StatusCode.UNIMPLEMENTED:
            return f"error: this server does not implement the grpc health protocol ({_HEALTH}): {error.details()}"
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"timeout: health rpc did not complete within {timeout_s:g}s"
        case grpc.StatusCode.UNAVAILABLE:
            return f'error: failed to connect service at "{address}": {error.details()}'
        case _:
            return f"error: health rpc probe failed: {error.code().name}: {error.details()}"


async def _connect(
    host: str, port: int, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Raises OSError in the words of Go, which are those of Kubernetes' Events."""
    try:
        return await asyncio.open_connection(host, port, ssl=tls)
    except (TimeoutError, ssl.SSLError, socket.gaierror):
        raise
    except OSError as error:
        why = os.strerror(error.errno).lower() if error.errno else str(error)
        raise OSError(f"dial tcp {host}:{port}: connect: {why}") from error


async def _get(host: str, port: int, path: str, action: pod_pb2.HTTPGetAction, tls: bool) -> int:
    context = None
    if tls:
        # As Kubernetes has it, a probe does not verify the certificate: pods' addresses are in none.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await _connect(host, port, context)
    try:
        headers = {"Host": f"{host}:{port}", "User-Agent": "podlab-probe/1", "Accept": "*/*", "Connection": "close"}
        own = {header.name.title(): header.value for header in action.httpHeaders}
        headers = {name: value for name, value in headers.items() if name.title() not in own}
        headers.update({header.name: header.value for header in action.httpHeaders})
        if any("\n" in text or "\r" in text for text in (path, *headers, *headers.values())):
            raise ValueError("a line break in path or header")
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        writer.write("\r\n".join(lines).encode())
        await writer.drain()
        status = (await reader.readline()).decode(errors="replace").split(maxsplit=2)
        if len(status) < 2 or not status[0].startswith("HTTP/") or not status[1].isdigit():
            raise http.client.BadStatusLine(" ".join(status))
        return int(status[1])
    finally:
        writer.transport.abort()
