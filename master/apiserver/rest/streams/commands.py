"""pods/exec and pods/attach."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web

from master.apiserver.registry.registry import Registry
from master.apiserver.relay import Duplex, Relay
from master.apiserver.rest.call import Call
from master.apiserver.rest.streams import channels, socket
from master.apiserver.rest.streams.channels import ERROR, STDERR, STDOUT, Input, InputEnd, Resize
from master.apiserver.rest.streams.containers import container_of
from master.apiserver.rest.streams.socket import Socket
from master.apiserver.routes import KUBELET
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError, BadRequest
from podlab.v1 import kubelet_pb2

PROTOCOLS = (channels.V5, channels.V4)
Request = type[kubelet_pb2.ExecRequest] | type[kubelet_pb2.AttachRequest]


@dataclass(frozen=True, slots=True)
class Streams:
    """Which of them the client wants."""

    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool


@dataclass(frozen=True, slots=True)
class Commands:
    """Answers for both. What is wrong with the request is told before the upgrade, what the node says after it."""

    registry: Registry
    relay: Relay

    async def execute(self, call: Call) -> web.StreamResponse:
        """A command in a container, with its streams and its exit code."""
        streams, container = wanted(call), container_of(await self._pod(call), call.query.text("container"))
        command = call.request.query.getall("command", [])
        if not command:
            raise BadRequest("command: Required value: name the program to run")
        start = kubelet_pb2.ExecStart(
            namespace=call.place.namespace,
            pod=call.place.name,
            container=container,
            command=command,
            stdin=streams.stdin,
            tty=streams.tty,
        )
        return await self._carried(call, "Exec", kubelet_pb2.ExecRequest(start=start), streams)

    async def attach(self, call: Call) -> web.StreamResponse:
        """The streams of a container's own process."""
        streams, container = wanted(call), container_of(await self._pod(call), call.query.text("container"))
        start = kubelet_pb2.AttachStart(
            namespace=call.place.namespace, pod=call.place.name, container=container, stdin=streams.stdin
        )
        return await self._carried(call, "Attach", kubelet_pb2.AttachRequest(start=start), streams)

    async def _pod(self, call: Call) -> pod_pb2.Pod:
        entry = await self.registry.get(call.of, call.place.namespace, call.place.name)
        return cast(pod_pb2.Pod, entry.message())

    async def _carried(
        self, call: Call, method: str, first: kubelet_pb2.ExecRequest | kubelet_pb2.AttachRequest, streams: Streams
    ) -> web.StreamResponse:
        async with socket.accepted(call, PROTOCOLS) as (response, client):
            lowest = STDOUT if streams.stdout else STDERR if streams.stderr else ERROR
            await client.send(channels.message(lowest, b""))  # as Kubernetes tells that the connection stands
            try:
                async with self.relay.opened(call.user, KUBELET, method, first.SerializeToString()) as duplex:
                    await socket.until_over(
                        asyncio.create_task(_upwards(client, duplex, type(first))),
                        asyncio.create_task(_downwards(duplex, client, method, streams)),
                        asyncio.create_task(client.beat()),
                    )
            except ApiError as error:
                await client.send(channels.failed(error))
        return response


def wanted(call: Call) -> Streams:
    """Raises BadRequest when that is none."""
    flags = {name: call.query.flag(name) for name in ("stdin", "stdout", "stderr", "tty")}
    if not (flags["stdin"] or flags["stdout"] or flags["stderr"]):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    # A terminal has one output.
    return Streams(**flags | {"stderr": flags["stderr"] and not flags["tty"]})


async def _upwards(client: Socket, duplex: Duplex, request: Request) -> None:
    """What the client says, until it leaves."""
    while (message := await client.received()) is not None:
        match channels.read(message, client.protocol):
            case Input(content):
                await duplex.write(request(stdin=content).SerializeToString())
            case InputEnd():
                await duplex.write(request(stdin_end=True).SerializeToString())
            case Resize(width, height):
                size = kubelet_pb2.TerminalSize(width=width, height=height)
                await duplex.write(request(resize=size).SerializeToString())


async def _downwards(duplex: Duplex, client: Socket, method: str, streams: Streams) -> None:
    """What the container says; its end is the client's."""
    response = kubelet_pb2.ExecResponse if method == "Exec" else kubelet_pb2.AttachResponse
    while (message := await duplex.read()) is not None:
        said: Any = response.FromString(message)
        match said.WhichOneof("message"):
            case "stdout" if streams.stdout:
                await client.send(channels.message(STDOUT, said.stdout))
            case "stderr" if streams.stderr:
                await client.send(channels.message(STDERR, said.stderr))
            case "exit":
                await client.send(channels.ended(said.exit.code, said.exit.message))
            case "end":
                await client.send(channels.ended(0, said.end.message))
