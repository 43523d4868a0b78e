"""The four ways in which a probe or hook reaches into a container: a command, HTTP, TCP, gRPC.

Each returns an `Answer`; none raises for what the container does.
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-probes
"""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from node.kubelet.cri.runtime import ExecTimeout, ObservedPod, Runtime, RuntimeFailure, RuntimeUnavailable
from node.kubelet.probes import http_get
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

MAX_OUTPUT = 10 * 1024
_HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name


@dataclass(frozen=True)
class Answer:
    """`output` says what was found, for the event. With `unknown` it says nothing of the container: the question
    could not be put. With `warns` it is good, and to be told."""

    good: bool
    output: str = ""
    unknown: bool = False
    warns: bool = False


@dataclass(frozen=True)
class Place:
    """The running container that is asked."""

    container_id: str
    container: pod_pb2.Container
    pod_ip: str


def address(pod: pod_pb2.Pod, observed: ObservedPod, host_ip: str) -> str:
    """Where the pod's containers are reached: on the node's network at the node's own address."""
    ips = observed.sandbox.ips if observed.sandbox is not None else ()
    return host_ip if pod.spec.hostNetwork else next(iter(ips), host_ip)


async def command(runtime: Runtime, place: Place, action: pod_pb2.ExecAction, timeout_s: int) -> Answer:
    """Good when it ends with 0 in time; without a limit when `timeout_s` is 0.

    Raises RuntimeUnavailable: that the runtime does not answer says nothing of the container.
    """
    try:
        result = await runtime.exec_sync(place.container_id, action.command, timeout_s)
    except RuntimeUnavailable:
        raise
    except ExecTimeout as error:
        return Answer(False, str(error))
    except RuntimeFailure as error:
        return Answer(False, f"command cannot be run: {error}", unknown=True)
    told = result.output[:MAX_OUTPUT].decode(errors="replace").strip()
    return Answer(result.exit_code == 0, told or f"command ended with exit code {result.exit_code}")


async def http_probe(place: Place, action: pod_pb2.HTTPGetAction, timeout_s: float) -> Answer:
    """Good when the last answer is from 200 to 399; one from 300 on is a warning too."""
    url = action.path
    try:
        url = _url(place, action, action.scheme)
        response = await http_get.get(url, action, agent="kube-probe/1.36", timeout_s=timeout_s)
    except (http_get.HttpFailure, ValueError) as error:
        return Answer(False, f'Get "{url}": {error}')
    if 300 <= response.code < 400:
        return Answer(True, f"Probe terminated redirects, Response body: {response.body}", warns=True)
    if 200 <= response.code < 300:
        return Answer(True)
    return Answer(False, f"HTTP probe failed with statuscode: {response.code}")


async def http_hook(place: Place, action: pod_pb2.HTTPGetAction, timeout_s: float | None) -> Answer:
    """Good with any answer, as Kubernetes has it; a server that speaks HTTP instead of HTTPS is asked so."""
    url = action.path
    try:
        url = _url(place, action, action.scheme)
        try:
            await http_get.get(url, action, agent="kube-lifecycle/1.36", timeout_s=timeout_s)
        except http_get.NotTls:
            url = _url(place, action, "http")
            await http_get.get(url, action, agent="kube-lifecycle/1.36", timeout_s=timeout_s)
    except (http_get.HttpFailure, ValueError) as error:
        return Answer(False, f'Get "{url}": {error}')
    return Answer(True)


async def tcp(place: Place, action: pod_pb2.TCPSocketAction, timeout_s: float | None) -> Answer:
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


async def _connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Raises OSError in the words of Go, which are those of Kubernetes' Events."""
    try:
        return await asyncio.open_connection(host, port)
    except (TimeoutError, socket.gaierror):
        raise
    except OSError as error:
        why = os.strerror(error.errno).lower() if error.errno else str(error)
        raise OSError(f"dial tcp {host}:{port}: connect: {why}") from error


def _url(place: Place, action: pod_pb2.HTTPGetAction, scheme: str) -> str:
    port = port_number(place.container, action.port)
    return http_get.url_of((scheme or "http").lower(), action.host or place.pod_ip, port, action.path)
