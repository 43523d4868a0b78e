"""Asks the servers behind APIServices, in somebody's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from multidict import CIMultiDict

from master.apiserver.authentication import request_headers
from master.apiserver.authentication.user import User
from master.apiserver.egress.client import EgressClient, OutgoingRequest, WholeAnswer
from master.apiserver.egress.destinations import ServiceReference, Trust
from master.apiserver.settings import FrontProxySettings
from podlab.apiregistration.v1.apiservice_pb2 import APIService
from podlab.errors import ServiceUnavailable

AGGREGATOR: Final = User("system:kube-aggregator", frozenset({"system:masters"}))
"""As whom the server itself looks whether they answer, reads what they serve, and empties namespaces: none of it must
fail for want of rights, which they ask of this cluster."""
# What describes a server's kinds is read within this time and size.
READ_S = 5.0
MOST_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class RemoteServers:
    """Each by its APIService. Without `front_proxy` they could not know whom to believe, and none is asked."""

    egress: EgressClient
    front_proxy: FrontProxySettings | None

    async def read(self, service: APIService, path: str, headers: Mapping[str, str]) -> WholeAnswer:
        """What the server answers this server itself. Raises ApiError."""
        return await self.ask(service, "GET", path, headers)

    async def ask(self, service: APIService, method: str, path: str, headers: Mapping[str, str]) -> WholeAnswer:
        """As `read`, with another method. It may be asked twice. Raises ApiError."""
        said = self.naming(AGGREGATOR)
        said.update(headers)
        asked = OutgoingRequest(method, path, headers=said, trust=self.trust(service), timeout_s=READ_S)
        return await self.egress.call(place(service), asked, most_bytes=MOST_BYTES)

    async def probe(self, service: APIService, path: str) -> WholeAnswer:
        """As `read`, of whoever answers in its place: nothing is told, and nothing believed. Raises ApiError."""
        trust = Trust(insecure=True, client_certificate=self._certificate())
        said = self.naming(AGGREGATOR)
        asked = OutgoingRequest("GET", path, headers=said, trust=trust, timeout_s=READ_S)
        return await self.egress.call(place(service), asked, most_bytes=MOST_BYTES)

    def trust(self, service: APIService) -> Trust:
        """Whom to believe that it is the server, and what to show it. Raises ServiceUnavailable."""
        return Trust(
            ca_bundle=service.spec.caBundle,
            insecure=service.spec.insecureSkipTLSVerify,
            client_certificate=self._certificate(),
        )

    @staticmethod
    def naming(user: User) -> CIMultiDict[str]:
        """Headers that name the user. Raises ServiceUnavailable when none can."""
        made: CIMultiDict[str] = CIMultiDict()
        for name, value in request_headers.telling(user):
            if any(character < " " or character == "\x7f" for character in name + value):
                raise ServiceUnavailable(f'net/http: invalid header field value for "{name}"')
            made.add(name, value)
        return made

    def _certificate(self) -> tuple[Path, Path]:
        if self.front_proxy is None:
            raise ServiceUnavailable("the API server has no certificate of a front proxy: deploy again")
        return self.front_proxy.cert, self.front_proxy.key


def place(service: APIService) -> ServiceReference:
    """Where the server is."""
    to = service.spec.service
    return ServiceReference(to.namespace, to.name, to.port)


def url(service: APIService, path: str) -> str:
    """What a path of it is called in messages."""
    to = place(service)
    return f"https://{to.host}:{to.port}{path}"
