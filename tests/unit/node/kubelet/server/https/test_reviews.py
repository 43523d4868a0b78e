from __future__ import annotations

from typing import Any

import pytest

from node.kubelet.server.https.access import User
from node.kubelet.server.https.reviews import Remembered, Reviews
from podlab.authentication.v1.token_pb2 import TokenReview
from podlab.client.absent import AbsentServer

JANE = User("jane", ("ops",), "u1", {"scopes": ("read",)})


class Reviewer(AbsentServer):
    """Knows the token "good", and lets everybody get metrics."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Any] = []

    async def create(self, obj: Any, *, dry_run: bool = False) -> Any:
        self.asked.append(obj)
        answer = type(obj)()
        answer.CopyFrom(obj)
        if isinstance(obj, TokenReview):
            answer.status.authenticated = obj.spec.token == "good"
            answer.status.user.username, answer.status.user.uid = "jane", "u1"
            answer.status.user.groups.append("ops")
            answer.status.user.extra["scopes"].items.append("read")
        else:
            answer.status.allowed = obj.spec.resourceAttributes.subresource == "metrics"
        return answer


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def reviewer() -> Reviewer:
    return Reviewer()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reviews(reviewer: Reviewer, clock: Clock) -> Reviews:
    return Reviews(reviewer, "n1", clock)


async def test_a_token_speaks_for_its_user_and_is_asked_about_again_later(
    reviews: Reviews, reviewer: Reviewer, clock: Clock
) -> None:
    assert await reviews.user("good") == JANE
    assert await reviews.user("good") == JANE
    assert len(reviewer.asked) == 1
    clock.now += 121
    assert await reviews.user("good") == JANE
    assert len(reviewer.asked) == 2


async def test_a_token_of_nobody_is_asked_about_each_time(reviews: Reviews, reviewer: Reviewer) -> None:
    assert await reviews.user("bad") is None
    assert await reviews.user("bad") is None
    assert len(reviewer.asked) == 2


async def test_the_node_is_what_a_user_needs_to_be_allowed(reviews: Reviews, reviewer: Reviewer, clock: Clock) -> None:
    assert await reviews.may(JANE, "get", "metrics")
    (asked,) = reviewer.asked
    assert (asked.spec.user, asked.spec.uid, list(asked.spec.groups)) == ("jane", "u1", ["ops"])
    assert list(asked.spec.extra["scopes"].items) == ["read"]
    wanted = asked.spec.resourceAttributes
    assert (wanted.verb, wanted.resource, wanted.subresource, wanted.name) == ("get", "nodes", "metrics", "n1")
    assert (wanted.group, wanted.version, wanted.namespace) == ("", "v1", "")
    assert not await reviews.may(JANE, "get", "proxy")
    assert await reviews.may(JANE, "get", "metrics")
    assert not await reviews.may(JANE, "get", "proxy")
    assert len(reviewer.asked) == 2
    clock.now += 31
    assert await reviews.may(JANE, "get", "metrics")
    assert not await reviews.may(JANE, "get", "proxy")
    assert len(reviewer.asked) == 3, "what was refused is asked about sooner"


def test_answers_are_few(clock: Clock) -> None:
    remembered: Remembered[bool] = Remembered(clock)
    for number in range(1500):
        remembered.put(number, True, 60)
    assert remembered.get(0) is None
    assert remembered.get(1499)
