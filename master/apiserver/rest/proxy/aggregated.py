"""Requests for a group version that another API server answers for: passed on to it in the caller's name."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from master.apiserver.aggregation import priorities, remote
from master.apiserver.aggregation.aggregator import Aggregator
from master.apiserver.aggregation.registration import is_available
from master.apiserver.egress.endpoints import Unserved
from master.apiserver.request.info import Exchange
from master.apiserver.request.paths import UNKNOWN
from master.apiserver.rest.content import response_writer
from master.apiserver.rest.proxy.forwarding import Forward, forwarded
from podlab.apiregistration.v1.apiservice_pb2 import APIService
from podlab.errors import NotFound, ServiceUnavailable, Timeout

UNAVAILABLE = "service unavailable"
# What is no watch, and no other stream, is over within this time.
LIMIT_S = 60.0
# A server that reads them would answer about another object than authorization was asked about.
_STEPS = frozenset({".", ".."})


@dataclass(frozen=True, slots=True)
class Aggregated:
    """Whoever may ask has been found out by then."""

    aggregator: Aggregator
    limit_s: float = LIMIT_S

    def service(self, path: str) -> APIService | None:
        """The APIService of the server that answers for the path; None when this one does."""
        if not self.aggregator.services.remotes:
            return None
        at = priorities.at_path(path)
        return self.aggregator.services.remote(at) if at is not None else None

    async def answer(self, request: web.BaseRequest, exchange: Exchange, service: APIService) -> web.StreamResponse:
        """What the other server answers, which has been sent when this returns; else why it cannot, in text as from
        Kubernetes. Raises NotFound, Timeout."""
        if _STEPS & set(request.path.split("/")):
            raise NotFound(UNKNOWN)
        if not is_available(service):
            return _unavailable(UNAVAILABLE)
        servers = self.aggregator.servers
        try:
            said = servers.naming(exchange.user)
            said[response_writer.AUDIT_ID] = response_writer.audit_id(request)
            forward = Forward(remote.place(service), request.path_qs, trust=servers.trust(service), said=said)
            async with asyncio.timeout(None if exchange.info.long_running else self.limit_s):
                return await forwarded(request, servers.egress, forward)
        except (NotFound, Unserved):
            return _unavailable(UNAVAILABLE)
        except ServiceUnavailable as error:
            return _unavailable(error.message)
        except TimeoutError as error:
            if request.writer.output_size and request.transport is not None:
                request.transport.abort()  # half an answer has been sent
            raise Timeout(f"{remote.url(service, request.path)} did not answer within {self.limit_s:.0f} s") from error


def _unavailable(why: str) -> web.Response:
    headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return web.Response(status=ServiceUnavailable.code, body=f"{why}\n".encode(), headers=headers)
