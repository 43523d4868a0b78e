"""TokenRequest below service accounts, and what others check our tokens with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from master.apiserver.authentication import oidc_discovery
from master.apiserver.authentication.authenticator import Authenticator
from master.apiserver.registry.token_request import Issuer
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import bodies, responses
from podlab.api import kinds
from podlab.api.serializer import codec
from podlab.authentication.v1 import token_pb2


@dataclass(frozen=True, slots=True)
class Tokens:
    """Answers for serviceaccounts/token; `documents` are by their paths. All requests are authenticated by
    `authenticator`."""

    issuer: Issuer
    authenticator: Authenticator
    documents: Mapping[str, Callable[[], Mapping[str, Any]]]

    async def create(self, call: Call) -> web.StreamResponse:
        """A token of the service account; a dry run makes none."""
        options = call.write_options()
        read = await bodies.read_object(call.request, kinds.of(token_pb2.TokenRequest), options.validation)
        bodies.take_place(read.message, call.place)
        request = read.message
        assert isinstance(request, token_pb2.TokenRequest)
        answer = await self.issuer.issue(call.writing(options), request)
        return responses.ready(codec.to_json(answer), status=201, warnings=read.warnings)

    def document(self, path: str) -> web.Response:
        """One of the documents."""
        media_type = oidc_discovery.KEYS_MEDIA_TYPE if path == oidc_discovery.KEYS_PATH else "application/json"
        return responses.data(self.documents[path](), media_type=media_type)
