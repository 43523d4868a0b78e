"""Whether the objects that a token is bound to still exist.

They are looked up in the watch cache at each use, so that a token ends together with its object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from google.protobuf.message import Message

from master.apiserver.authentication.claims import Claims, Reference
from master.apiserver.authentication.jwt import InvalidToken
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds, objects
from podlab.api.objects import typed
from podlab.api.secrettypes import SERVICE_ACCOUNT_TOKEN
from podlab.core.v1.config_pb2 import Secret
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount

# A pod that is being deleted may use its token for this long after its grace period.
DELETED_LEEWAY_S = 60
INVALID_SINCE: Final = "kubernetes.io/legacy-token-invalid-since"
"""A Secret of that type with this label holds a token that is accepted no more."""


class TokenValidity:
    """Looks up service accounts, pods, Secrets and nodes. `used` hears of each Secret whose own token is accepted."""

    def __init__(self, cache: Cache, used: Callable[[Secret], None]) -> None:
        self._cache = cache
        self._used = used

    async def check(self, claims: Claims, now: float) -> None:
        """Raises InvalidToken when the account, or what the token is bound to, is gone."""
        await self._cache.reach(await self._cache.moments.now())  # who asks is found out before a request has its own
        self._check(ServiceAccount, claims.namespace, claims.account, now)
        if claims.pod is not None:
            self._check(Pod, claims.namespace, claims.pod, now)
        elif claims.node is not None:
            self._check(Node, "", claims.node, now)
        if claims.secret is not None:
            self._check_legacy(typed(self._check(Secret, claims.namespace, claims.secret, now), Secret))

    def _check_legacy(self, secret: Secret) -> None:
        if secret.type != SERVICE_ACCOUNT_TOKEN:
            return
        if INVALID_SINCE in secret.metadata.labels:
            at = f"{secret.metadata.namespace}/{secret.metadata.name}"
            raise InvalidToken(
                f"the token in secret {at} has been marked invalid: remove the secret's label {INVALID_SINCE}, or use "
                "tokens from the TokenRequest API"
            )
        self._used(secret)

    def _check(self, of: type[Message], namespace: str, reference: Reference, now: float) -> Message:
        """What the token is bound to."""
        kind = kinds.of(of)
        entry = self._cache.get(kind, keys.object_key(kind, namespace, reference.name))
        found = entry.message() if entry is not None else None
        metadata = objects.metadata(found) if found is not None else None
        if found is None or metadata is None or metadata.uid != reference.uid:
            raise InvalidToken(f"its {kind.singular} {reference.name} is gone")
        deleted = metadata.HasField("deletionTimestamp")
        if deleted and metadata.deletionTimestamp.seconds + DELETED_LEEWAY_S < now:
            raise InvalidToken(f"its {kind.singular} {reference.name} has been deleted")
        return found
