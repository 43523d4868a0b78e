"""The handlers of probes and lifecycle hooks: exec, httpGet, tcpSocket, grpc.

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

from node.kubelet.cri.runtime import CommandRunner, ExecTimeout, ObservedPod, RuntimeFailure, RuntimeUnavailable
from node.kubelet.probes import http_get
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

MAX_OUTPUT = 10 * 1024
_HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name


@dataclass(frozen=True)
class HandlerResult:
    """`output` is for the Event. With `unknown` the handler could not run, which says nothing of the container.

    With `warning` it succeeded, and an Event is recorded all the same.
    """

    success: bool
    output: str = ""
    unknown: bool = False
    warning: bool = False


@dataclass(frozen=True)
class HandlerTarget:
    """The running container that a handler is for."""

    container_id: str
    container: pod_pb2.Container
    pod_ip: str


def pod_address(pod: pod_pb2.Pod, observed: ObservedPod, host_ip: str) -> str:
    """The pod's address: that of the node when the pod is on the node's network."""
    ips = observed.sandbox.ips if observed.sandbox is not None else ()
    return host_ip if pod.spec.hostNetwork else next(iter(ips), host_ip)


async def exec_command(
    runtime: CommandRunner, target: HandlerTarget, action: pod_pb2.ExecAction, timeout_s: int
) -> HandlerResult:
    """Succeeds when the command ends with 0 in time. With `timeout_s` 0 there is no limit.

    Raises RuntimeUnavailable: the silence of the runtime says nothing of the container.
    """
    try:
        result = await runtime.exec_sync(target.container_id, action.command, timeout_s)
    except RuntimeUnavailable:
        raise
    except ExecTimeout as error:
        return HandlerResult(False, str(error))
    except RuntimeFailure as error:
        return HandlerResult(False, f"command cannot be run: {error}", unknown=True)
    output = result.output[:MAX_OUTPUT].decode(errors="replace").strip()
    return HandlerResult(result.exit_code == 0, output or f"command ended with exit code {result.exit_code}")


async def http_probe(target: HandlerTarget, action: pod_pb2.HTTPGetAction, timeout_s: float) -> HandlerResult:
    """Succeeds when the last response is from 200 to 399; one from 300 on is a warning too."""
    url = action.path
    try:
        url = _url(target, action, action.scheme)
        response = await http_get.get(url, action, agent="kube-probe/1.36", timeout_s=timeout_s)
    except (http_get.HttpGetError, ValueError) as error:
        return HandlerResult(False, f'Get "{url}": {error}')
    if 300 <= response.code < 400:
        return HandlerResult(True, f"Probe terminated redirects, Response body: {response.body}", warning=True)
    if 200 <= response.code < 300:
        return HandlerResult(True)
    return HandlerResult(False, f"HTTP probe failed with statuscode: {response.code}")


async def http_hook(target: HandlerTarget, action: pod_pb2.HTTPGetAction, timeout_s: float | None) -> HandlerResult:
    """Succeeds with any response, as in Kubernetes. A server without TLS is asked again over HTTP."""
    url = action.path
    try:
        url = _url(target, action, action.scheme)
        try:
            await http_get.get(url, action, agent="kube-lifecycle/1.36", timeout_s=timeout_s)
        except http_get.NotTls:
            url = _url(target, action, "http")
            await http_get.get(url, action, agent="kube-lifecycle/1.36", timeout_s=timeout_s)
    except (http_get.HttpGetError, ValueError) as error:
        return HandlerResult(False, f'Get "{url}": {error}')
    return HandlerResult(True)


async def tcp_socket(target: HandlerTarget, action: pod_pb2.TCPSocketAction, timeout_s: float | None) -> HandlerResult:
    """Succeeds when a connection can be made."""
    try:
        host, port = action.host or target.pod_ip, port_number(target.container, action.port)
        async with asyncio.timeout(timeout_s):
            _, writer = await _connect(host, port)
        writer.transport.abort()
    except TimeoutError:
        return HandlerResult(False, f"dial tcp {host}:{port}: i/o timeout")
    except (OSError, ValueError) as error:
        return HandlerResult(False, str(error))
    return HandlerResult(True)


async def grpc_health(target: HandlerTarget, action: pod_pb2.GRPCAction, timeout_s: float) -> HandlerResult:
    """Succeeds when grpc.health.v1 says SERVING."""
    options = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]
    address = f"{target.pod_ip}:{action.port}"
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            result = await stub.Check(health_pb2.HealthCheckRequest(service=action.service), timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            return HandlerResult(False, _health_failure(error, address, timeout_s))
    serving = result.status == health_pb2.HealthCheckResponse.SERVING
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(result.status)
    return HandlerResult(serving, "" if serving else f'service unhealthy (responded with "{status}")')


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
    """Raises OSError with the words of Go, as Kubernetes' Events have them."""
    try:
        return await asyncio.open_connection(host, port)
    except (TimeoutError, socket.gaierror):
        raise
    except OSError as error:
        why = os.strerror(error.errno).lower() if error.errno else str(error)
        raise OSError(f"dial tcp {host}:{port}: connect: {why}") from error


def _url(target: HandlerTarget, action: pod_pb2.HTTPGetAction, scheme: str) -> str:
    port = port_number(target.container, action.port)
    return http_get.url_of((scheme or "http").lower(), action.host or target.pod_ip, port, action.path)
