"""aiohttp's pools of connections: over tunnels to pods, and over TCP to hosts. Each connection is counted."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

from aiohttp import BaseConnector, TCPConnector
from yarl import URL

from master.apiserver.egress.destinations import PodPort
from master.apiserver.egress.failures import failure
from master.apiserver.egress.figures import DIRECT, TUNNEL, Figures
from master.apiserver.egress.tunnels import Tunnels

if TYPE_CHECKING:  # aiohttp's own, which it gives to those who make connections
    from aiohttp import ClientRequest, ClientTimeout
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.tracing import Trace

MOST = 256
MOST_OF_HOST = 64
IDLE_S = 15.0


class PodConnector(BaseConnector):
    """Connects to the pod that a URL's host names; all else of connections is aiohttp's."""

    def __init__(self, tunnels: Tunnels, figures: Figures) -> None:
        super().__init__(limit=MOST, limit_per_host=MOST_OF_HOST, keepalive_timeout=IDLE_S)
        self._tunnels = tunnels
        self._figures = figures

    async def _create_connection(
        self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout
    ) -> ResponseHandler:
        with self._figures.dialing(TUNNEL):
            made = await self._tunnels.open(pod_of(req.url))
        tls = req.ssl if req.is_ssl() and isinstance(req.ssl, ssl.SSLContext) else None
        name = req.server_hostname if tls is not None else None
        try:
            _, protocol = await asyncio.get_running_loop().create_unix_connection(
                self._factory, sock=made, ssl=tls, server_hostname=name
            )
        except OSError as error:  # of TLS, of which aiohttp would keep no more than the words
            made.close()
            raise failure(error, req.url.authority) from error
        except BaseException:
            made.close()
            raise
        return protocol


class HostConnector(TCPConnector):
    """Connects to what this host reaches."""

    def __init__(self, figures: Figures) -> None:
        super().__init__(limit=MOST, limit_per_host=MOST_OF_HOST, keepalive_timeout=IDLE_S, ttl_dns_cache=0)
        self._figures = figures

    async def _create_connection(
        self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout
    ) -> ResponseHandler:
        with self._figures.dialing(DIRECT):
            return await super()._create_connection(req, traces, timeout)


def pod_of(url: URL) -> PodPort:
    """The pod that a URL of `ways.to_backend` names. Namespaces have no dots."""
    pod, _, namespace = (url.host or "").rpartition(".")
    return PodPort(namespace, pod, url.port or 0)
