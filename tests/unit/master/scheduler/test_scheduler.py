"""The loop, with an API server that answers what a test wants."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from podlab_testing.waiting import WITHIN_S

from master.scheduler.queue.backoff import Backoff
from master.scheduler.scheduler import Scheduler
from podlab.client.client import Listed
from podlab.client.outages import Outages
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError, Expired, NotFound


class FakeClient:
    """Lists what `objects` holds; `relist` makes every watch end as one that fell too far behind."""

    def __init__(self, objects: dict[type, list[Any]], refusals: Sequence[ApiError] = ()) -> None:
        self.objects = objects
        self.refusals = list(refusals)
        self.outages = Outages("nowhere")
        self.bound: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._expired = asyncio.Event()

    def relist(self) -> None:
        self._expired.set()
        self._expired = asyncio.Event()

    async def list(self, kind: type, *_: Any, **__: Any) -> Listed[Any]:
        return Listed(list(self.objects.get(kind, [])), "1")

    async def watch(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        await self._expired.wait()
        raise Expired("too old")
        yield  # makes it a generator

    async def bind(self, bindings: Sequence[Any]) -> Sequence[ApiError | None]:
        outcomes = [self.refusals.pop() if self.refusals else None for _ in bindings]
        for binding, outcome in zip(bindings, outcomes, strict=True):
            if outcome is None:
                self.bound.put_nowait((binding.uid, binding.node_name))
        return outcomes

    async def create(self, obj: Any, **_: Any) -> Any:
        return obj

    async def record_events(self, events: Sequence[Any]) -> Sequence[ApiError | None]:
        return [None for _ in events]

    async def update_statuses(self, objs: Sequence[Any]) -> Sequence[ApiError | None]:
        return [None for _ in objs]


def node(name: str, cpu: str) -> Node:
    made = Node()
    made.metadata.name = name
    for resource, amount in (("cpu", cpu), ("memory", "4Gi"), ("pods", "110")):
        made.status.allocatable[resource].string = amount
    return made


def pod(name: str, uid: str, cpu: str, on: str = "") -> Pod:
    made = Pod()
    made.metadata.name, made.metadata.namespace = name, "default"
    made.metadata.uid = made.metadata.resourceVersion = uid
    made.spec.schedulerName, made.spec.nodeName = "default-scheduler", on
    made.spec.containers.add(name="c").resources.requests["cpu"].string = cpu
    return made


@contextlib.asynccontextmanager
async def running(client: Any) -> AsyncIterator[None]:
    leading = asyncio.Event()
    leading.set()
    task = asyncio.create_task(Scheduler(client, backoff=Backoff(0.01)).run(leading))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def bound(client: FakeClient) -> tuple[str, str]:
    return await asyncio.wait_for(client.bound.get(), WITHIN_S)


async def test_a_pod_that_came_back_under_its_name_unseen_takes_the_room_of_the_first() -> None:
    client = FakeClient({Node: [node("n1", "1")], Pod: [pod("a", "1", "800m", on="n1"), pod("b", "2", "100m")]})
    async with running(client):
        assert await bound(client) == ("2", "n1")
        client.objects[Pod] = [pod("a", "3", "800m"), pod("b", "2", "100m", on="n1")]
        client.relist()
        assert await bound(client) == ("3", "n1")


async def test_a_pod_whose_binding_failed_is_tried_again() -> None:
    refusals = [NotFound.of("pods", "a"), ApiError("down")]
    client = FakeClient({Node: [node("n1", "1")], Pod: [pod("a", "1", "800m")]}, refusals)
    async with running(client):
        assert await bound(client) == ("1", "n1")
    assert not client.refusals


async def test_a_pod_that_no_plugin_can_judge_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    client = FakeClient({Node: [node("n1", "1")], Pod: [pod("odd", "1", "not a quantity"), pod("b", "2", "100m")]})
    async with running(client):
        assert await bound(client) == ("2", "n1")
    assert "Pod/default/odd cannot be scheduled" in caplog.text
