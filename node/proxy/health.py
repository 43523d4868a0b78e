"""Tells load balancers at a port of the node whether a Service has endpoints here: `spec.healthCheckNodePort`.

https://kubernetes.io/docs/concepts/services-networking/service/#external-traffic-policy; the answer is kube-proxy's.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from node.family import IPV4, IPV6, Family
from node.proxy.exposures import ServiceName
from node.proxy.frontends import Exposure

log = logging.getLogger(__name__)

REQUEST_WITHIN_S = 5.0
REQUEST_BYTES = 8192


@dataclass
class _Asked:
    """A Service that is asked for at a port, and how many ready endpoints it has on this node."""

    name: ServiceName
    port: int
    ready: int
    server: asyncio.Server | None = None


class HealthServers:
    """A server for each Service that has such a port, at the node's addresses of one family. `close` in the end."""

    def __init__(self, family: Family = IPV4) -> None:
        self._host = "::" if family is IPV6 else "0.0.0.0"  # noqa: S104 - load balancers ask from anywhere
        self._asked: dict[ServiceName, _Asked] = {}

    async def follow(self, changed: Mapping[ServiceName, Exposure]) -> None:
        """Opens and closes ports as the Services are now. One that is taken is logged, and tried at each call."""
        for name, exposure in changed.items():
            asked = self._asked.get(name)
            if asked is not None and asked.port != exposure.health_port:
                del self._asked[name]
                await _stop(asked)
            if exposure.health_port:
                asked = self._asked.setdefault(name, _Asked(name, exposure.health_port, 0))
                asked.ready = exposure.ready_here
        for asked in self._asked.values():
            if asked.server is None:
                await _start(asked, self._host)

    async def close(self) -> None:
        """Closes all ports."""
        for asked in self._asked.values():
            await _stop(asked)
        self._asked.clear()


async def _start(asked: _Asked, host: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(REQUEST_WITHIN_S):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(_answer(asked))
                await writer.drain()
        writer.close()

    try:
        asked.server = await asyncio.start_server(answer, host, asked.port, limit=REQUEST_BYTES)
    except OSError as error:
        log.error("service %s: healthCheckNodePort %d: %s", "/".join(asked.name), asked.port, error)


async def _stop(asked: _Asked) -> None:
    if asked.server is not None:
        asked.server.close()
        await asked.server.wait_closed()


def _answer(asked: _Asked) -> bytes:
    namespace, name = asked.name
    told = {
        "service": {"namespace": namespace, "name": name},
        "localEndpoints": asked.ready,
        "serviceProxyHealthy": True,
    }
    body = json.dumps(told).encode()
    status = "200 OK" if asked.ready else "503 Service Unavailable"
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nX-Content-Type-Options: nosniff\r\n"
        f"X-Load-Balancing-Endpoint-Weight: {asked.ready}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
