"""Finds out who calls: by a front proxy's headers, client certificate, static token or service account token.

A bad credential is refused.
"""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from master.apiserver.authentication import claims, jwt
from master.apiserver.authentication.claims import Claims
from master.apiserver.authentication.client_certificates import user_of_der
from master.apiserver.authentication.jwt import InvalidToken, Keys
from master.apiserver.authentication.request_headers import FrontProxy, Headers
from master.apiserver.authentication.static_tokens import StaticTokens
from master.apiserver.authentication.token_validity import TokenValidity
from master.apiserver.authentication.user import ANONYMOUS, User
from podlab.errors import Unauthorized

# How many verified tokens are remembered: checking a signature costs 0.1 ms, and clients call again and again.
REMEMBERED = 4096

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuthenticatedToken:
    """The user that a token stands for, and those of the requested audiences that it is meant for."""

    user: User
    audiences: tuple[str, ...]


class Authenticator:
    """Authenticates requests. `issuer` is also the name of this server as an audience."""

    def __init__(
        self,
        issuer: str,
        keys: Callable[[], Keys],
        validity: TokenValidity,
        static: StaticTokens,
        clock: Callable[[], float],
        *,
        front_proxy: Callable[[], FrontProxy] | None = None,
        remembered: int = REMEMBERED,
    ) -> None:
        self._front_proxy = front_proxy
        self._issuer = issuer
        self._keys = keys
        self._validity = validity
        self._static = static
        self._clock = clock
        self._remembered = remembered
        self._verified: OrderedDict[bytes, Claims] = OrderedDict()
        self._verified_with = keys()

    async def authenticate(self, certificate: bytes | None, authorization: str | None, headers: Headers = ()) -> User:
        """The user behind a request; anonymous when there is no credential. Raises Unauthorized."""
        front_proxy = self._front_proxy() if certificate and self._front_proxy is not None else None
        if certificate and front_proxy is not None and front_proxy.is_shown(certificate):
            if (named := front_proxy.user(certificate, headers)) is not None:
                return named
            if authorization is None:  # its certificate makes it nobody
                raise Unauthorized("Unauthorized")
        elif certificate:
            return user_of_der(certificate)
        if authorization is None:
            return ANONYMOUS
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized("Unauthorized")
        try:
            return (await self.authenticate_token(token.strip(), ())).user
        except InvalidToken as error:
            log.info("a bearer token is refused: %s", error)
            raise Unauthorized("Unauthorized") from error

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> AuthenticatedToken:
        """The user of the token, for these audiences, or for this server when none are given. Raises InvalidToken."""
        wanted = audiences or (self._issuer,)
        if (user := self._static.user(token)) is not None:
            return AuthenticatedToken(user, _common(wanted, (self._issuer,)))
        token_claims = self._claims(token)
        common = _common(wanted, token_claims.audiences)
        await self._validity.check(token_claims, self._clock())
        return AuthenticatedToken(token_claims.user(), common)

    def _claims(self, token: str) -> Claims:
        if (keys := self._keys()) is not self._verified_with:  # what a key has signed that was retired is forgotten
            self._verified.clear()
            self._verified_with = keys
        digest, now = hashlib.sha256(token.encode(errors="surrogateescape")).digest(), self._clock()
        remembered = self._verified.get(digest)
        if remembered is not None and now < remembered.expires:
            self._verified.move_to_end(digest)
            return remembered
        self._verified.pop(digest, None)
        found = claims.parse(jwt.verify(token, keys), self._issuer, now)
        self._verified[digest] = found
        if len(self._verified) > self._remembered:
            self._verified.popitem(last=False)
        return found


def _common(wanted: tuple[str, ...], given: tuple[str, ...]) -> tuple[str, ...]:
    """The audiences that are in both. Raises InvalidToken when there is none."""
    common = tuple(audience for audience in wanted if audience in given)
    if not common:
        raise InvalidToken("it is meant for other audiences")
    return common
