"""pods/portforward: connections to ports of a pod, many through one of a client's, in the forms that clients speak."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from master.apiserver.registry.registry import Registry
from master.apiserver.rest.call import Call
from master.apiserver.rest.streams import channels, lifetime, spdy, websocket
from master.apiserver.rest.streams.connection import ClientConnection
from master.apiserver.rest.streams.negotiation import WEBSOCKET, negotiated
from master.apiserver.rest.streams.portforward.pod_connection import PodDialer
from master.apiserver.rest.streams.portforward.spdy_client import SpdyForwarder
from master.apiserver.rest.streams.portforward.websocket_client import WebSocketForwarder
from master.apiserver.rpc.relay import Relay
from podlab.errors import BadRequest

TUNNEL, SPDY = "SPDY/3.1+portforward.k8s.io", "portforward.k8s.io"
OVER_WEBSOCKET = (TUNNEL, *channels.ALL[1:])
OVER_SPDY = (SPDY,)
# Of the older form, with two channels for each; they are numbered in one byte.
MOST_PORTS = 100


@dataclass(frozen=True, slots=True)
class PortForward:
    """Answers for it."""

    registry: Registry
    relay: Relay

    async def forward(self, call: Call) -> web.StreamResponse:
        """Connections until the client leaves."""
        await self.registry.get(call.of, call.place.namespace, call.place.name, call.moment)
        upgrade = negotiated(call.request.headers, OVER_WEBSOCKET, OVER_SPDY)
        pod = PodDialer(self.relay, call.place.namespace, call.place.name)
        about = f"portforward of {pod.namespace}/{pod.name}"
        if upgrade.protocol in (TUNNEL, SPDY):
            accepted = websocket.accepted if upgrade.to == WEBSOCKET else spdy.accepted
            async with accepted(call, upgrade.protocol) as (response, client):
                await lifetime.run_session(about, _tunnelled(client, pod))
            return response
        ports = _ports(call, upgrade.protocol)
        async with websocket.accepted(call, upgrade.protocol) as (response, client):
            await lifetime.run_session(about, WebSocketForwarder(client, pod, ports).run())
        return response


async def _tunnelled(client: ClientConnection, pod: PodDialer) -> None:
    tunnel, beating = asyncio.create_task(SpdyForwarder(client, pod).run()), asyncio.create_task(client.beat())
    try:
        done, _ = await asyncio.wait((tunnel, beating), return_when=asyncio.FIRST_COMPLETED)
        for side in done:
            side.result()
        await tunnel
    finally:
        for side in (tunnel, beating):
            side.cancel()
        await asyncio.gather(tunnel, beating, return_exceptions=True)  # those that are cut off have nothing to tell


def _ports(call: Call, protocol: str) -> list[int]:
    """Those that the query names. Raises BadRequest."""
    ports = []
    for text in ",".join(call.request.query.getall("ports", [])).split(","):
        if not text.isdecimal() or not 1 <= int(text) <= 65535:
            raise BadRequest(f"ports: {text!r} is not a port between 1 and 65535; query parameter `ports` names them")
        ports.append(int(text))
    most = channels.MOST_BASE64_CHANNELS // 2 if protocol in channels.BASE64 else MOST_PORTS
    if len(ports) > most:
        raise BadRequest(f"ports: {len(ports)} are named; {most} are taken")
    return ports
