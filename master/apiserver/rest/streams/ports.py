"""pods/portforward: connections to ports of a pod, many through one WebSocket, in the two forms that clients speak."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from master.apiserver.registry.registry import Registry
from master.apiserver.relay import Relay
from master.apiserver.rest.call import Call
from master.apiserver.rest.streams import channels, socket
from master.apiserver.rest.streams.dialed import Pod
from master.apiserver.rest.streams.pairs import Pairs
from master.apiserver.rest.streams.tunnel import Tunnel
from podlab.errors import BadRequest

TUNNEL = "SPDY/3.1+portforward.k8s.io"
PROTOCOLS = (TUNNEL, channels.V4)
# Of the older form, whose channels are numbered in one byte.
MOST_PORTS = 100


@dataclass(frozen=True, slots=True)
class Ports:
    """Answers for it."""

    registry: Registry
    relay: Relay

    async def forward(self, call: Call) -> web.StreamResponse:
        """Connections until the client leaves."""
        await self.registry.get(call.of, call.place.namespace, call.place.name)
        ports = _ports(call) if socket.negotiated(call, PROTOCOLS) == channels.V4 else []
        pod = Pod(self.relay, call.user, call.place.namespace, call.place.name)
        async with socket.accepted(call, PROTOCOLS) as (response, client):
            carried = Pairs(client, pod, ports).run() if ports else Tunnel(client, pod).run()
            await socket.until_over(asyncio.create_task(carried), asyncio.create_task(client.beat()))
        return response


def _ports(call: Call) -> list[int]:
    """Those that the query names. Raises BadRequest."""
    ports = []
    for text in ",".join(call.request.query.getall("ports", [])).split(","):
        if not text.isdecimal() or not 1 <= int(text) <= 65535:
            raise BadRequest(f"ports: {text!r} is not a port between 1 and 65535; query parameter `ports` names them")
        ports.append(int(text))
    if len(ports) > MOST_PORTS:
        raise BadRequest(f"ports: {len(ports)} are named; {MOST_PORTS} are taken")
    return ports
