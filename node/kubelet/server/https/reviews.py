"""Asks the API server who somebody is and what he may do, and remembers the answers for a while."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from node.kubelet.server.https.access import User
from podlab.authentication.v1.token_pb2 import TokenReview
from podlab.authorization.v1.review_pb2 import SubjectAccessReview
from podlab.client.client import Client

# As Kubernetes' kubelet remembers them.
_TOKEN_S = 120.0
_ALLOWED_S = 300.0
_REFUSED_S = 30.0
_MOST = 1024

T = TypeVar("T")


class Remembered(Generic[T]):
    """Answers by what was asked, each until its time; the oldest go when there are too many."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._answers: OrderedDict[object, tuple[float, T]] = OrderedDict()

    def get(self, key: object) -> T | None:
        """None when it is not known any more."""
        until, answer = self._answers.get(key, (0.0, None))
        return answer if self._clock() < until else None

    def put(self, key: object, answer: T, seconds: float) -> None:
        self._answers.pop(key, None)
        self._answers[key] = (self._clock() + seconds, answer)
        while len(self._answers) > _MOST:
            self._answers.popitem(last=False)


class Reviews:
    """Of the callers of one node's kubelet."""

    def __init__(self, client: Client, node_name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._node_name = node_name
        self._users: Remembered[User] = Remembered(clock)
        self._verdicts: Remembered[bool] = Remembered(clock)

    async def user(self, token: str) -> User | None:
        """Whom a bearer token speaks for; None when it is nobody's. Raises ApiError.

        A refusal is not remembered: a token that was just made is good as soon as the API server knows it."""
        key = hashlib.sha256(token.encode()).digest()
        if (known := self._users.get(key)) is not None:
            return known
        review = TokenReview()
        review.spec.token = token
        status = (await self._client.create(review)).status
        if not status.authenticated:
            return None
        extra = {name: tuple(value.items) for name, value in status.user.extra.items()}
        found = User(status.user.username, tuple(status.user.groups), status.user.uid, extra)
        self._users.put(key, found, _TOKEN_S)
        return found

    async def may(self, user: User, verb: str, subresource: str) -> bool:
        """Whether the user may do that to the node's subresource. Raises ApiError."""
        key = (user, tuple(sorted(user.extra.items())), verb, subresource)
        if (known := self._verdicts.get(key)) is not None:
            return known
        review = SubjectAccessReview()
        review.spec.user, review.spec.uid = user.name, user.uid
        review.spec.groups.extend(user.groups)
        for name, values in user.extra.items():
            review.spec.extra[name].items.extend(values)
        asked = review.spec.resourceAttributes
        asked.verb, asked.version, asked.resource = verb, "v1", "nodes"
        asked.subresource, asked.name = subresource, self._node_name
        allowed = (await self._client.create(review)).status.allowed
        self._verdicts.put(key, allowed, _ALLOWED_S if allowed else _REFUSED_S)
        return allowed
