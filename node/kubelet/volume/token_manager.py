"""Tokens of service accounts for this node's pods: asked for when first mounted, and again long before they end."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from node.kubelet.volume.projected import WantedToken
from podlab.authentication.v1 import token_pb2
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError

log = logging.getLogger(__name__)

# A token is replaced when so much of its life, or so much time, has passed.
RENEWED_AFTER, RENEWED_AFTER_S = 0.8, 24 * 3600.0
# Not all tokens of a node at once.
JITTER_S = 10.0
LOOK_S = 10.0


class Issuer(Protocol):
    """The API server, as far as it is needed here."""

    async def request_token(
        self, namespace: str, account: str, spec: token_pb2.TokenRequestSpec
    ) -> token_pb2.TokenRequestStatus:
        """Raises ApiError."""
        ...


@dataclass(frozen=True)
class _Held:
    token: str
    renew_at: float
    expires: float


class Tokens:
    """Keeps what was given; `run` tells whose tokens have grown old."""

    def __init__(self, issuer: Issuer, clock: Callable[[], float] = time.time) -> None:
        self._issuer = issuer
        self._clock = clock
        self._handlers: list[Callable[[str], None]] = []
        self._held: dict[tuple[str, WantedToken], _Held] = {}

    def on_change(self, handler: Callable[[str], None]) -> None:
        """Calls `handler` with a pod's uid when a token of it should be replaced."""
        self._handlers.append(handler)

    async def read(self, pod: pod_pb2.Pod, wanted: Iterable[WantedToken]) -> dict[WantedToken, str]:
        """A good token for each. Raises ApiError when there is none and none can be had."""
        return {one: await self._token(pod, one) for one in dict.fromkeys(wanted)}

    def forget(self, uid: str) -> None:
        """The pod needs nothing any more."""
        for key in [key for key in self._held if key[0] == uid]:
            del self._held[key]

    def tell(self) -> None:
        """Call the handlers for pods whose tokens have grown old."""
        now = self._clock()
        for uid in {uid for (uid, _), held in self._held.items() if now >= held.renew_at}:
            for handler in self._handlers:
                handler(uid)

    async def run(self) -> None:
        """Tells, for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.tell()

    async def _token(self, pod: pod_pb2.Pod, wanted: WantedToken) -> str:
        key, now = (pod.metadata.uid, wanted), self._clock()
        held = self._held.get(key)
        if held is not None and now < held.renew_at:
            return held.token
        try:
            status = await self._issuer.request_token(
                pod.metadata.namespace, pod.spec.serviceAccountName or "default", _spec(pod, wanted)
            )
        except ApiError as error:
            if held is None or now >= held.expires:
                raise
            log.warning("pod %s keeps a token that should be replaced: %s", pod.metadata.name, error)
            return held.token
        lifetime_s = status.expirationTimestamp.seconds - now
        renew_s = min(lifetime_s * RENEWED_AFTER, RENEWED_AFTER_S) - random.uniform(0, JITTER_S)  # noqa: S311
        self._held[key] = _Held(status.token, now + renew_s, status.expirationTimestamp.seconds)
        return status.token


def _spec(pod: pod_pb2.Pod, wanted: WantedToken) -> token_pb2.TokenRequestSpec:
    """Bound to the pod: it dies with it."""
    return token_pb2.TokenRequestSpec(
        audiences=[wanted.audience] if wanted.audience else [],
        expirationSeconds=wanted.lifetime_s,
        boundObjectRef=token_pb2.BoundObjectReference(
            kind="Pod", apiVersion="v1", name=pod.metadata.name, uid=pod.metadata.uid
        ),
    )
