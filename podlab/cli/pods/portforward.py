"""`podlab port-forward`: ports of this machine that lead into a pod."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

import grpc
import typer

from podlab.cli import session
from podlab.cli.failures import CommandError
from podlab.cli.objects import printing
from podlab.cli.options import DEFAULT_NAMESPACE, Namespace, Pod
from podlab.cli.pods import pod_lookup
from podlab.client.client import Client
from podlab.core.v1.pod_pb2 import Pod as PodMessage
from podlab.core.v1.service_pb2 import Service
from podlab.errors import from_rpc_error
from podlab.v1 import kubelet_pb2, kubelet_pb2_grpc
from podlab.v1.kubelet_pb2 import PortForwardRequest, PortForwardStart

_READ_BYTES = 64 * 1024
_LOOPBACK = "127.0.0.1"


def port_forward(
    pod: Pod,
    ports: Annotated[list[str], typer.Argument(help="[LOCAL:]REMOTE; :REMOTE takes any free local port.")],
    namespace: Namespace = DEFAULT_NAMESPACE,
    address: Annotated[str, typer.Option(help="The address of this machine to listen on.")] = _LOOPBACK,
) -> None:
    """Forward ports of this machine to a pod, until interrupted.

    \b
    podlab port-forward web-1 8080
    podlab port-forward deployment/web 8000:8080 :9000
    podlab port-forward service/web 8000:80
    """
    pairs = [parsed(text) for text in ports]
    session.run(lambda client: _forward(client, pod, namespace, address, pairs))


def parsed(text: str) -> tuple[int, int]:
    """The local port, 0 for any, and the remote one."""
    local, colon, remote = text.rpartition(":")
    numbers = (local or "0" if colon else remote, remote)
    if not all(number.isdecimal() and int(number) <= 65535 for number in numbers) or not int(remote):
        raise typer.BadParameter(f"{text!r} is not a pair of ports such as 8080, 8000:80 or :80")
    return int(numbers[0]), int(remote)


async def _forward(client: Client, word: str, namespace: str, address: str, pairs: list[tuple[int, int]]) -> None:
    pod = await pod_lookup.find_pod(client, word, namespace)
    if pod.status.phase != "Running":
        raise CommandError(f"unable to forward port because pod is not running. Current status={pod.status.phase}")
    service = await pod_lookup.find_service(client, word, namespace)
    async with contextlib.AsyncExitStack() as servers:
        for local, asked in pairs:
            remote = target_port(service, pod, asked) if service is not None else asked
            start = PortForwardStart(namespace=namespace, pod=pod.metadata.name, port=remote)
            try:
                server = await asyncio.start_server(_Forward(client, start), address, local)
            except OSError as error:
                raise CommandError(f"cannot listen on {address}:{local}: {error.strerror}") from error
            await servers.enter_async_context(server)
            typer.echo(f"Forwarding from {address}:{server.sockets[0].getsockname()[1]} -> {remote}")
        await asyncio.Event().wait()


def target_port(service: Service, pod: PodMessage, asked: int) -> int:
    """The pod's port behind a Service's. Raises CommandError."""
    port = next((one for one in service.spec.ports if one.port == asked), None)
    if port is None:
        raise CommandError(f"Service {service.metadata.name} does not have a service port {asked}")
    if not port.targetPort.type:
        return port.targetPort.intVal or asked
    for container in pod.spec.containers:
        for named in container.ports:
            if named.name == port.targetPort.strVal:
                return named.containerPort
    raise CommandError(f"Pod {pod.metadata.name} has no port named {port.targetPort.strVal}")


class _Forward:
    """Serves the connections to one local port."""

    def __init__(self, client: Client, start: PortForwardStart) -> None:
        self._stub: Any = kubelet_pb2_grpc.KubeletStub(client.channel)
        self._start = start

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        typer.echo(f"Handling connection for {writer.get_extra_info('sockname')[1]}")
        call = self._stub.PortForward(self._sent(reader))
        try:
            async for response in call:
                writer.write(response.data)
                await writer.drain()
                if response.data_end:
                    writer.write_eof()
        except grpc.aio.AioRpcError as error:
            printing.warn(f"an error occurred forwarding to {self._start.port}: {from_rpc_error(error).message}")
        except ConnectionError:
            pass  # whoever connected has left
        finally:
            call.cancel()
            writer.close()

    async def _sent(self, reader: asyncio.StreamReader) -> AsyncIterator[kubelet_pb2.PortForwardRequest]:
        yield PortForwardRequest(start=self._start)
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(_READ_BYTES):
                yield PortForwardRequest(data=chunk)
        yield PortForwardRequest(data_end=True)
