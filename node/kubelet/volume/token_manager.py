"""Service account tokens for this node's pods: requested when first mounted, and again long before they expire."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from node.kubelet.volume.projected import TokenProjection
from podlab.authentication.v1 import token_pb2
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError

log = logging.getLogger(__name__)

# A token is replaced after this part of its lifetime, and after this time at the latest.
RENEWED_AFTER, RENEWED_AFTER_S = 0.8, 24 * 3600.0
# Spreads the requests of a node.
JITTER_S = 10.0
PERIOD_S = 10.0


class TokenIssuer(Protocol):
    """What is needed of the API server."""

    async def request_token(
        self, namespace: str, account: str, spec: token_pb2.TokenRequestSpec
    ) -> token_pb2.TokenRequestStatus:
        """Raises ApiError."""
        ...


@dataclass(frozen=True)
class Token:
    """Times are seconds since the epoch."""

    token: str
    renew_at: float
    expires_at: float


class TokenManager:
    """Caches the tokens. `run` calls the handlers for pods whose tokens are to be replaced."""

    def __init__(self, issuer: TokenIssuer, clock: Callable[[], float] = time.time) -> None:
        self._issuer = issuer
        self._clock = clock
        self._handlers: list[Callable[[str], None]] = []
        self._cached: dict[tuple[str, TokenProjection], Token] = {}

    def on_change(self, handler: Callable[[str], None]) -> None:
        """Calls `handler` with the uid of a pod when a token of it is to be replaced."""
        self._handlers.append(handler)

    async def read(self, pod: pod_pb2.Pod, wanted: Iterable[TokenProjection]) -> dict[TokenProjection, Token]:
        """A valid token for each. Raises ApiError when there is none and none can be requested."""
        return {each: await self._token(pod, each) for each in dict.fromkeys(wanted)}

    def forget(self, uid: str) -> None:
        """The pod uses no token any more."""
        for key in [key for key in self._cached if key[0] == uid]:
            del self._cached[key]

    def notify(self) -> None:
        """Calls the handlers for pods whose tokens are to be replaced."""
        now = self._clock()
        for uid in {uid for (uid, _), cached in self._cached.items() if now >= cached.renew_at}:
            for handler in self._handlers:
                handler(uid)

    async def run(self) -> None:
        """Notifies, for ever."""
        while True:
            await asyncio.sleep(PERIOD_S)
            self.notify()

    async def _token(self, pod: pod_pb2.Pod, wanted: TokenProjection) -> Token:
        key, now = (pod.metadata.uid, wanted), self._clock()
        cached = self._cached.get(key)
        if cached is not None and now < cached.renew_at:
            return cached
        try:
            status = await self._issuer.request_token(
                pod.metadata.namespace, pod.spec.serviceAccountName or "default", _spec(pod, wanted)
            )
        except ApiError as error:
            if cached is None or now >= cached.expires_at:
                raise
            log.warning("pod %s keeps a token that should be replaced: %s", pod.metadata.name, error)
            return cached
        lifetime_s = status.expirationTimestamp.seconds - now
        renew_s = min(lifetime_s * RENEWED_AFTER, RENEWED_AFTER_S) - random.uniform(0, JITTER_S)  # noqa: S311
        made = self._cached[key] = Token(status.token, now + renew_s, status.expirationTimestamp.seconds)
        return made


def _spec(pod: pod_pb2.Pod, wanted: TokenProjection) -> token_pb2.TokenRequestSpec:
    """The token is bound to the pod, and invalid once the pod is gone."""
    return token_pb2.TokenRequestSpec(
        audiences=[wanted.audience] if wanted.audience else [],
        expirationSeconds=wanted.lifetime_s,
        boundObjectRef=token_pb2.BoundObjectReference(
            kind="Pod", apiVersion="v1", name=pod.metadata.name, uid=pod.metadata.uid
        ),
    )
