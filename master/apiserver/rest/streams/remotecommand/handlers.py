"""Answers pods/exec and pods/attach."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from master.apiserver.egress.kubelet.duplex import Duplex
from master.apiserver.registry.registry import Registry
from master.apiserver.rest.call import Call
from master.apiserver.rest.streams import channels, lifetime, spdy, websocket
from master.apiserver.rest.streams.channels import ERROR, RESIZE, STDERR, STDIN, STDOUT, Input, InputEnd, Resize
from master.apiserver.rest.streams.negotiation import WEBSOCKET, negotiated
from master.apiserver.rest.streams.remotecommand import exit_status, spdy_client
from master.apiserver.rest.streams.remotecommand.client import Client
from master.apiserver.rest.streams.remotecommand.containers import container_of
from master.apiserver.rest.streams.remotecommand.exit_status import Outcome
from master.apiserver.rest.streams.remotecommand.spdy_client import SpdyClient
from master.apiserver.rest.streams.remotecommand.websocket_client import WebSocketClient
from master.apiserver.rpc.relay import Relay
from master.apiserver.rpc.routes import KUBELET
from master.apiserver.watchcache.moment import Moment
from podlab.core.v1 import pod_pb2
from podlab.core.v1.connecting_pb2 import PodAttachOptions, PodExecOptions
from podlab.errors import ApiError, BadRequest, InternalError
from podlab.v1 import kubelet_pb2

Request = type[kubelet_pb2.ExecRequest] | type[kubelet_pb2.AttachRequest]


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """Which streams the client wants."""

    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool

    @property
    def said(self) -> dict[str, bool]:
        """As options name them."""
        return asdict(self)

    def channels(self, protocol: str) -> set[int]:
        """Which streams a client opens over SPDY."""
        sized = self.tty and protocol in spdy_client.RESIZABLE
        optional = {STDIN: self.stdin, STDOUT: self.stdout, STDERR: self.stderr, RESIZE: sized}
        return {ERROR, *(channel for channel, is_wanted in optional.items() if is_wanted)}


@dataclass(frozen=True, slots=True)
class RemoteCommand:
    """Answers both. Errors in the request are reported before the upgrade, errors of the node after it."""

    registry: Registry
    relay: Relay
    leave_s: float = lifetime.LEAVE_S
    """How long a command may go on after its client has left."""

    async def execute(self, call: Call) -> web.StreamResponse:
        """A command in a container, with its streams and its exit code."""
        streams, container = wanted(call), container_of(await self._pod(call), call.query.text("container"))
        command = call.request.query.getall("command", [])
        if not command:
            raise BadRequest("command: Required value: name the program to run")
        await self.registry.connect(
            call.connecting(PodExecOptions(**streams.said, container=container, command=command))
        )
        start = kubelet_pb2.ExecStart(
            namespace=call.place.namespace,
            pod=call.place.name,
            container=container,
            command=command,
            stdin=streams.stdin,
            tty=streams.tty,
        )
        return await self._streamed(call, "Exec", kubelet_pb2.ExecRequest(start=start), streams)

    async def attach(self, call: Call) -> web.StreamResponse:
        """The streams of a container's own process."""
        streams, container = wanted(call), container_of(await self._pod(call), call.query.text("container"))
        await self.registry.connect(call.connecting(PodAttachOptions(**streams.said, container=container)))
        start = kubelet_pb2.AttachStart(
            namespace=call.place.namespace, pod=call.place.name, container=container, stdin=streams.stdin
        )
        return await self._streamed(call, "Attach", kubelet_pb2.AttachRequest(start=start), streams)

    async def _pod(self, call: Call) -> pod_pb2.Pod:
        entry = await self.registry.get(call.of, call.place.namespace, call.place.name, call.moment)
        return entry.message_as(pod_pb2.Pod)

    async def _streamed(
        self,
        call: Call,
        method: str,
        first: kubelet_pb2.ExecRequest | kubelet_pb2.AttachRequest,
        streams: StreamOptions,
    ) -> web.StreamResponse:
        upgrade = negotiated(call.request.headers, channels.ALL, spdy_client.PROTOCOLS)
        about = f"{call.place.subresource} of {call.place.namespace}/{call.place.name}"
        if upgrade.to == WEBSOCKET:
            async with websocket.accepted(call, upgrade.protocol) as (response, connection):
                client: Client = WebSocketClient(connection)
                session = self._session(call.moment, client, method, first, streams)
                await lifetime.run_session(about, session, leave_s=self.leave_s)
        else:
            async with spdy.accepted(call, upgrade.protocol) as (response, raw):
                client = SpdyClient(raw, streams.channels(upgrade.protocol))
                session = self._session(call.moment, client, method, first, streams)
                await lifetime.run_session(about, session, leave_s=self.leave_s)
        return response

    async def _session(
        self,
        moment: Moment,
        client: Client,
        method: str,
        first: kubelet_pb2.ExecRequest | kubelet_pb2.AttachRequest,
        streams: StreamOptions,
    ) -> None:
        """Run the session, and report its single outcome to the client."""
        try:
            await client.greet(STDOUT if streams.stdout else STDERR if streams.stderr else ERROR)
            async with self.relay.opened(KUBELET, method, first.SerializeToString(), moment=moment) as duplex:
                outcome = await lifetime.relay_both_ways(
                    _upwards(client, duplex, type(first)),
                    _downwards(duplex, client, method, streams),
                    client.beat(),
                    leave_s=self.leave_s,
                )
        except ApiError as error:
            outcome = exit_status.failed(error)
        await client.end(outcome)


def wanted(call: Call) -> StreamOptions:
    """The streams that the request asks for. Raises BadRequest when there is none."""
    flags = {name: call.query.flag(name) for name in ("stdin", "stdout", "stderr", "tty")}
    if not (flags["stdin"] or flags["stdout"] or flags["stderr"]):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    # A terminal has one output.
    return StreamOptions(**flags | {"stderr": flags["stderr"] and not flags["tty"]})


async def _upwards(client: Client, duplex: Duplex, request: Request) -> None:
    """Pass on what the client sends until it leaves, then the end of input."""
    while (message := await client.received()) is not None:
        match message:
            case Input(content):
                await duplex.write(request(stdin=content).SerializeToString())
            case InputEnd():
                await duplex.write(request(stdin_end=True).SerializeToString())
            case Resize(width, height):
                size = kubelet_pb2.TerminalSize(width=width, height=height)
                await duplex.write(request(resize=size).SerializeToString())
    await duplex.done_writing()


async def _downwards(duplex: Duplex, client: Client, method: str, streams: StreamOptions) -> Outcome:
    """Pass on the output, and return how the command ended."""
    response = kubelet_pb2.ExecResponse if method == "Exec" else kubelet_pb2.AttachResponse
    while (message := await duplex.read()) is not None:
        output: Any = response.FromString(message)
        match output.WhichOneof("message"):
            case "stdout" if streams.stdout:
                await client.send(STDOUT, output.stdout)
            case "stderr" if streams.stderr:
                await client.send(STDERR, output.stderr)
            case "exit":
                return exit_status.ended(output.exit.code, output.exit.message)
            case "end":
                return exit_status.ended(0, output.end.message)
    raise InternalError("the node has ended the streams without telling how the command ended")
