"""The chain: client certificate, static token, service account's token. What is shown and not good is refused."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from master.apiserver.authentication import claims, jwt
from master.apiserver.authentication.claims import Claims
from master.apiserver.authentication.jwt import InvalidToken, Keys
from master.apiserver.authentication.static_tokens import StaticTokens
from master.apiserver.authentication.token_validity import TokenValidity
from master.apiserver.authentication.user import ANONYMOUS, User, user_of_der
from podlab.errors import Unauthorized

# So many tokens' signatures are remembered: a check costs 0.1 ms, and clients come again and again.
REMEMBERED = 4096

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuthenticatedToken:
    """Whom a token speaks for, and to which of those who asked."""

    user: User
    audiences: tuple[str, ...]


class Authenticator:
    """`issuer` is also the audience that stands for this server."""

    def __init__(
        self, issuer: str, keys: Keys, lives: TokenValidity, static: StaticTokens, clock: Callable[[], float]
    ) -> None:
        self._issuer = issuer
        self._keys = keys
        self._lives = lives
        self._static = static
        self._clock = clock
        self._verified: OrderedDict[bytes, Claims] = OrderedDict()

    async def user(self, certificate: bytes | None, authorization: str | None) -> User:
        """Who calls, anonymous when nothing is shown. Raises Unauthorized."""
        if certificate:
            return user_of_der(certificate)
        if authorization is None:
            return ANONYMOUS
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized("Unauthorized")
        try:
            return (await self.judge(token.strip(), ())).user
        except InvalidToken as error:
            log.info("a bearer token is refused: %s", error)
            raise Unauthorized("Unauthorized") from error

    async def judge(self, token: str, audiences: tuple[str, ...]) -> AuthenticatedToken:
        """Whom the token speaks for now to these audiences; to this server when there are none. Raises InvalidToken."""
        wanted = audiences or (self._issuer,)
        if (user := self._static.user(token)) is not None:
            return AuthenticatedToken(user, _common(wanted, (self._issuer,)))
        found = self._claims(token)
        common = _common(wanted, found.audiences)
        await self._lives.check(found, self._clock())
        return AuthenticatedToken(found.user(), common)

    def _claims(self, token: str) -> Claims:
        digest, now = hashlib.sha256(token.encode(errors="surrogateescape")).digest(), self._clock()
        remembered = self._verified.get(digest)
        if remembered is not None and now < remembered.expires:
            self._verified.move_to_end(digest)
            return remembered
        self._verified.pop(digest, None)
        found = claims.parse(jwt.verify(token, self._keys), self._issuer, now)
        self._verified[digest] = found
        if len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)
        return found


def _common(wanted: tuple[str, ...], given: tuple[str, ...]) -> tuple[str, ...]:
    """The audiences that both name. Raises InvalidToken."""
    common = tuple(audience for audience in wanted if audience in given)
    if not common:
        raise InvalidToken("it is meant for other audiences")
    return common
