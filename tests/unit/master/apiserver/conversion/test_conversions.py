"""Who asks webhooks, how often, and for how much at once; without any webhook."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from podlab_testing import conversion_webhook
from podlab_testing.conversion_webhook import right

from master.apiserver.conversion.conversions import AT_ONCE, MOST_ROUNDS, TOGETHER, Conversions
from master.apiserver.watchcache.cached_object import CachedObject
from podlab.api.conversion.versions import custom_in
from podlab.api.kinds import Kind
from podlab.api.serializer import codec, custom
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition, WebhookClientConfig
from podlab.errors import InternalError, ServiceUnavailable
from podlab.kinds import builtin
from podlab.kinds.custom.definition import resource_of
from podlab.meta.v1.meta_pb2 import ObjectMeta


@dataclass
class Asked:
    """A webhook in order, which answers when it may: once so many wait at the latest."""

    answers_at: int = 0

    reviews: list[Any] = field(default_factory=list)
    may: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    most_waiting: int = 0

    async def __call__(self, client: WebhookClientConfig, body: bytes) -> bytes:
        review = json.loads(body)
        self.reviews.append(review)
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        if self.waiting == self.answers_at:
            self.may.set()
        await self.may.wait()
        self.waiting -= 1
        return json.dumps(right(review)).encode()


@pytest.fixture
def versions() -> tuple[Kind, Kind]:
    """v1, which is stored, and v2."""
    told = conversion_webhook.definition({"url": "https://example.com"})
    message = codec.from_dict(told, codec.kind_of(told, builtin.catalog()))
    assert isinstance(message, CustomResourceDefinition)
    message.status.acceptedNames.CopyFrom(message.spec.names)
    made = resource_of(message)
    return made.kind, made.other_versions[0].kind


def server(name: str, host: str = "a:1") -> Custom:
    made = Custom(metadata=ObjectMeta(name=name), api_version="stable.example.com/v1", kind="Server")
    custom.set_content(made, {"spec": {"hostPort": host}})
    return made


def entry(kind: Kind, name: str, host: str = "a:1") -> CachedObject:
    return CachedObject(kind, f"/{name}", server(name, host).SerializeToString(), 1)


async def test_many_readers_of_one_object_ask_once(versions: tuple[Kind, Kind]) -> None:
    stored, other = versions
    asked = Asked()
    conversions = Conversions(asked)
    one = entry(stored, "a")
    async with asyncio.TaskGroup() as group:
        readers = [group.create_task(conversions.one(one, other)) for _ in range(100)]
        readers[0].cancel()
        asked.may.set()
    assert len(asked.reviews) == 1
    assert len({id(reader.result()) for reader in readers[1:]}) == 1
    assert custom.content(readers[1].result().message_as(Custom)) == {"spec": {"host": "a", "port": "1"}}
    assert await conversions.one(one, stored) is one


async def test_lists_are_sent_in_parts_of_bounded_size_not_all_at_once(versions: tuple[Kind, Kind]) -> None:
    stored, other = versions
    asked = Asked()
    asked.may.set()
    entries = [entry(stored, f"s{index}") for index in range(2 * TOGETHER + 1)]
    shown = await Conversions(asked).shown(entries, other)
    assert [len(review["request"]["objects"]) for review in asked.reviews] == [TOGETHER, TOGETHER, 1]
    assert [one.key for one in shown] == [one.key for one in entries]
    large = [entry(stored, f"l{index}", "x" * (1 << 20)) for index in range(9)]
    await Conversions(asked).shown(large, other)
    assert [len(review["request"]["objects"]) for review in asked.reviews[3:]] == [3, 3, 3]


async def test_few_requests_wait_for_one_webhook(versions: tuple[Kind, Kind]) -> None:
    stored, other = versions
    asked = Asked(answers_at=AT_ONCE)
    conversions = Conversions(asked)
    async with asyncio.TaskGroup() as group:
        for index in range(3 * AT_ONCE):
            group.create_task(conversions.one(entry(stored, f"s{index}"), other))
    assert asked.most_waiting == AT_ONCE
    assert len(asked.reviews) == 3 * AT_ONCE


async def test_what_is_decided_begins_again_with_each_answer(versions: tuple[Kind, Kind]) -> None:
    stored, other = versions
    asked = Asked()
    asked.may.set()
    begun = 0

    def decide() -> list[Custom]:
        nonlocal begun
        begun += 1
        shown = custom_in(server("a"), other)
        return [shown, custom_in(shown, stored), custom_in(server("b"), other)]

    found = await Conversions(asked).run(decide)
    assert begun == 4
    assert [one.api_version.rpartition("/")[2] for one in found] == ["v2", "v1", "v2"]
    assert custom.content(found[1]) == {"spec": {"hostPort": "a:1"}}


async def test_what_always_needs_another_conversion_ends(versions: tuple[Kind, Kind]) -> None:
    _, other = versions
    asked = Asked()
    asked.may.set()
    count = 0

    def decide() -> Custom:
        nonlocal count
        count += 1
        return custom_in(server(f"s{count}"), other)

    with pytest.raises(InternalError, match="it is not enough"):
        await Conversions(asked).run(decide)
    assert len(asked.reviews) == MOST_ROUNDS


async def test_a_webhook_that_is_away_is_named(versions: tuple[Kind, Kind]) -> None:
    stored, other = versions

    async def away(client: WebhookClientConfig, body: bytes) -> bytes:
        raise ServiceUnavailable('Post "https://example.com?timeout=30s": EOF')

    conversions = Conversions(away)
    with pytest.raises(InternalError) as told:
        await conversions.one(entry(stored, "a"), other)
    assert told.value.message == (
        'conversion webhook for stable.example.com/v1, Kind=Server failed: Post "https://example.com?timeout=30s": EOF'
    )
    with pytest.raises(InternalError):
        await conversions.run(lambda: custom_in(server("a"), other))
