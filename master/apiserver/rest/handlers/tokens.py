"""TokenRequest below service accounts, TokenReview, and what others check our tokens with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from master.apiserver.authentication import oidc_discovery
from master.apiserver.authentication.authenticator import Authenticator
from master.apiserver.authentication.jwt import InvalidToken
from master.apiserver.registry.token_request import Issuer
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import bodies, responses
from master.apiserver.rest.handlers.reviews import user_info
from podlab.api import kinds
from podlab.api.serializer import codec
from podlab.authentication.v1 import token_pb2
from podlab.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Tokens:
    """Answers for serviceaccounts/token and tokenreviews; `documents` are by their paths."""

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

    async def review(self, _: Call, review: token_pb2.TokenReview) -> None:
        """Whom the token in the review speaks for."""
        if not review.spec.token:
            raise BadRequest("token is required for TokenReview in authentication")
        review.ClearField("status")
        try:
            verdict = await self.authenticator.authenticate_token(review.spec.token, tuple(review.spec.audiences))
        except InvalidToken as error:
            review.status.error = f"the token is not accepted: {error}"
            return
        review.status.authenticated = True
        review.status.user.CopyFrom(user_info(verdict.user))
        review.status.audiences.extend(verdict.audiences)

    def document(self, path: str) -> web.Response:
        """One of the documents."""
        media_type = oidc_discovery.KEYS_MEDIA_TYPE if path == oidc_discovery.KEYS_PATH else "application/json"
        return responses.data(self.documents[path](), media_type=media_type)
