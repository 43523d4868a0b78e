"""Answers pods/portforward: many connections to ports of a pod over one connection of a client."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from master.apiserver.registry.registry import Registry
from master.apiserver.rest.call import Call
from master.apiserver.rest.streams import channels, lifetime, spdy, websocket
from master.apiserver.rest.streams.connection import ClientConnection
from master.apiserver.rest.streams.negotiation import WEBSOCKET, negotiated
from master.apiserver.rest.streams.portforward.pod_dialer import PodDialer
from master.apiserver.rest.streams.portforward.spdy_client import SpdyForwarder
from master.apiserver.rest.streams.portforward.websocket_client import WebSocketForwarder
from master.apiserver.rpc.relay import Relay
from podlab.core.v1.connecting_pb2 import PodPortForwardOptions
from podlab.errors import BadRequest

SPDY_OVER_WEBSOCKET, SPDY = "SPDY/3.1+portforward.k8s.io", "portforward.k8s.io"
OVER_WEBSOCKET = (SPDY_OVER_WEBSOCKET, *channels.ALL[1:])
OVER_SPDY = (SPDY,)
# The older protocol has two channels for each port, and their numbers are one byte.
MOST_PORTS = 100


@dataclass(frozen=True, slots=True)
class PortForward:
    """Answers pods/portforward in each of the protocols that clients speak."""

    registry: Registry
    relay: Relay

    async def forward(self, call: Call) -> web.StreamResponse:
        """Forward connections until the client leaves."""
        await self.registry.get(call.of, call.place.namespace, call.place.name, call.moment)
        upgrade = negotiated(call.request.headers, OVER_WEBSOCKET, OVER_SPDY)
        by_streams = upgrade.protocol in (SPDY_OVER_WEBSOCKET, SPDY)
        ports = [] if by_streams else _ports(call, upgrade.protocol)
        await self.registry.connect(call.connecting(PodPortForwardOptions(ports=ports)))
        pod = PodDialer(self.relay, call.place.namespace, call.place.name)
        about = f"portforward of {pod.namespace}/{pod.name}"
        if by_streams:
            accepted = websocket.accepted if upgrade.to == WEBSOCKET else spdy.accepted
            async with accepted(call, upgrade.protocol) as (response, client):
                await lifetime.run_session(about, _forwarded(client, pod))
            return response
        async with websocket.accepted(call, upgrade.protocol) as (response, client):
            await lifetime.run_session(about, WebSocketForwarder(client, pod, ports).run())
        return response


async def _forwarded(client: ClientConnection, pod: PodDialer) -> None:
    forwarding, beating = asyncio.create_task(SpdyForwarder(client, pod).run()), asyncio.create_task(client.beat())
    try:
        done, _ = await asyncio.wait((forwarding, beating), return_when=asyncio.FIRST_COMPLETED)
        for side in done:
            side.result()
        await forwarding
    finally:
        for side in (forwarding, beating):
            side.cancel()
        await asyncio.gather(
            forwarding, beating, return_exceptions=True
        )  # the results of cancelled tasks do not matter


def _ports(call: Call, protocol: str) -> list[int]:
    """The ports in the query. Raises BadRequest."""
    ports = []
    for text in ",".join(call.request.query.getall("ports", [])).split(","):
        if not text.isdecimal() or not 1 <= int(text) <= 65535:
            raise BadRequest(f"ports: {text!r} is not a port between 1 and 65535; query parameter `ports` names them")
        ports.append(int(text))
    most = channels.MOST_BASE64_CHANNELS // 2 if protocol in channels.BASE64 else MOST_PORTS
    if len(ports) > most:
        raise BadRequest(f"ports: {len(ports)} are named; {most} are taken")
    return ports
