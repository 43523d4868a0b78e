"""Victims go, whatever comes between, and nobody is told twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest
from podlab_testing.waiting import WITHIN_S

from master.scheduler.cache.pod_info import pod_info
from master.scheduler.effects.evictor import BATCH, Evictor
from podlab.api.objects import Key, key
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError, Conflict, NotFound, ServiceUnavailable
from podlab.v1.apiserver_pb2 import Victim


def pod(name: str, uid: str = "") -> Pod:
    made = Pod()
    made.metadata.name, made.metadata.namespace, made.metadata.uid = name, "default", uid or f"uid-{name}"
    made.spec.schedulerName, made.spec.nodeName = "default-scheduler", "n1"
    return made


class World:
    """An API server that refuses what it is told to, and an informer that knows `standing`."""

    def __init__(self) -> None:
        self.standing: dict[Key, Pod] = {}
        self.refusals: list[ApiError | None] = []
        self.raises: list[ApiError] = []
        self.calls: list[list[Victim]] = []
        self.arrived: asyncio.Queue[None] = asyncio.Queue()
        self.events: list[tuple[str, str, str]] = []
        self.evictor = Evictor(cast(Any, self), cast(Any, self), self.standing.get)

    async def preempt(self, victims: Sequence[Victim]) -> list[ApiError | None]:
        self.calls.append([*victims])
        self.arrived.put_nowait(None)
        if self.raises:
            raise self.raises.pop()
        return [self.refusals.pop() if self.refusals else None for _ in victims]

    def event(self, obj: Pod, kind: str, reason: str, message: str) -> None:
        assert kind == "Normal"
        self.events.append((obj.metadata.name, reason, message))

    def stand(self, *pods: Pod) -> None:
        self.standing.update({key(each): each for each in pods})

    def evict(self, *pods: Pod) -> None:
        for each in pods:
            self.evictor.evict(pod_info(each), pod_info(pod("high")), "n1")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.evictor.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def called(self, times: int) -> None:
        """Returns once so many calls were answered."""
        async with asyncio.timeout(WITHIN_S):
            for _ in range(times):
                await self.arrived.get()
        for _ in range(5):
            await asyncio.sleep(0)


async def test_a_victim_hears_for_whom_it_goes() -> None:
    world = World()
    world.stand(pod("low"))
    world.evict(pod("low"))
    async with world.running():
        await world.called(1)
    told = "default-scheduler: preempting to accommodate a higher priority pod"
    assert world.calls == [[Victim(namespace="default", name="low", uid="uid-low", message=told)]]
    assert world.events == [("low", "Preempted", "Preempted by pod uid-high on node n1")]


async def test_many_go_in_few_calls() -> None:
    world = World()
    pods = [pod(f"p{number}") for number in range(BATCH + 10)]
    world.stand(*pods)
    world.evict(*pods, pods[0])
    async with world.running():
        await world.called(2)
    assert [len(call) for call in world.calls] == [BATCH, 10]


@pytest.mark.parametrize(
    "now",
    [None, pod("low", "another"), Pod()],
    ids=["gone", "another pod of the name", "going"],
)
async def test_who_is_not_there_any_more_is_left_alone(now: Pod | None) -> None:
    world = World()
    if now is not None:
        if not now.metadata.name:
            now = pod("low")
            now.metadata.deletionTimestamp.seconds = 5
        world.stand(now)
    world.stand(pod("other"))
    world.evict(pod("low"), pod("other"))
    async with world.running():
        await world.called(1)
    assert [victim.name for call in world.calls for victim in call] == ["other"]
    assert [name for name, *_ in world.events] == ["other"]


@pytest.mark.parametrize(
    ("refusal", "calls"),
    [(ServiceUnavailable("not now"), 2), (Conflict("others were faster"), 2), (NotFound("gone"), 1)],
)
async def test_who_did_not_go_is_tried_again(refusal: ApiError, calls: int) -> None:
    world = World()
    world.stand(pod("a"), pod("b"))
    world.refusals = [None, refusal]  # taken from the end: a is refused
    world.evict(pod("a"), pod("b"))
    async with world.running():
        await world.called(calls)
    assert [[victim.name for victim in call] for call in world.calls] == [["a", "b"], ["a"]][:calls]
    assert sorted(name for name, *_ in world.events) == (["a", "b"] if calls == 2 else ["b"])


async def test_when_the_server_cannot_be_reached_all_are_tried_again() -> None:
    world = World()
    world.stand(pod("a"), pod("b"))
    world.raises = [ServiceUnavailable("no connection")]
    world.evict(pod("a"), pod("b"))
    async with world.running():
        await world.called(2)
    assert sorted(victim.name for call in world.calls[1:] for victim in call) == ["a", "b"]
    assert len(world.events) == 2
