"""What is written into pods' status, and how often."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from podlab_testing.waiting import WITHIN_S

from master.scheduler.cycle.pod_conditions import UNSCHEDULABLE, SchedulingFailure
from master.scheduler.effects.status_writer import StatusWriter
from podlab.api.objects import Key, condition, key
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError, Conflict, NotFound


class Api:
    """Writes into what the informer knows, and answers with `refusals` first; `open` lets the writes through."""

    def __init__(self, refusals: Sequence[ApiError] = ()) -> None:
        self.known: dict[Key, Pod] = {}
        self.refusals = list(refusals)
        self.written: asyncio.Queue[Pod] = asyncio.Queue()
        self.tried: asyncio.Queue[Pod] = asyncio.Queue()
        self.open = asyncio.Event()
        self.open.set()

    async def update_statuses(self, pods: Sequence[Pod]) -> list[ApiError | None]:
        for pod in pods:
            self.tried.put_nowait(pod)
        await self.open.wait()
        return [self._written(pod) for pod in pods]

    def _written(self, pod: Pod) -> ApiError | None:
        if self.refusals:
            return self.refusals.pop(0)
        self.known[key(pod)] = pod
        self.written.put_nowait(pod)
        return None


def pod(name: str, uid: str = "1") -> Pod:
    made = Pod()
    made.metadata.name, made.metadata.namespace, made.metadata.uid = name, "default", uid
    return made


@contextlib.asynccontextmanager
async def writing(api: Api, *pods: Pod) -> AsyncIterator[StatusWriter]:
    api.known.update({key(each): each for each in pods})
    writer = StatusWriter(api, api.known.get)  # type: ignore[arg-type]
    task = asyncio.create_task(writer.run())
    yield writer
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def next_of(queue: asyncio.Queue[Pod]) -> Pod:
    return await asyncio.wait_for(queue.get(), WITHIN_S)


def no(reason: str, nominated: str = "") -> SchedulingFailure:
    return SchedulingFailure(UNSCHEDULABLE, reason, nominated)


def said(found: Pod) -> str:
    scheduled = condition(found.status.conditions, "PodScheduled")
    return scheduled.message if scheduled is not None else ""


A = key(pod("a"))


async def test_why_a_pod_has_no_node_and_where_room_is_made_for_it() -> None:
    api = Api()
    async with writing(api, pod("a")) as writer:
        writer.write(A, "1", no("too small", "n1"))
        found = await next_of(api.written)
    assert (said(found), found.status.nominatedNodeName) == ("too small", "n1")


async def test_what_is_said_already_is_not_written_again() -> None:
    api = Api()
    async with writing(api, pod("a"), pod("b")) as writer:
        for _ in range(2):
            writer.write(A, "1", no("too small"))
            writer.write(key(pod("b")), "1", no("too small"))
            await asyncio.sleep(0)
        names = {(await next_of(api.written)).metadata.name for _ in range(2)}
        writer.write(A, "1", no("too small"))
        writer.write(A, "1", no("cordoned"))
        assert said(await next_of(api.written)) == "cordoned"
    assert names == {"a", "b"}
    assert api.written.empty()


async def test_of_several_verdicts_the_last_one_is_written() -> None:
    api = Api()
    api.open.clear()
    async with writing(api, pod("a")) as writer:
        writer.write(A, "1", no("first"))
        await next_of(api.tried)
        for reason in ("second", "third"):
            writer.write(A, "1", no(reason))
        api.open.set()
        assert [said(await next_of(api.written)) for _ in range(2)] == ["first", "third"]


async def test_who_was_overtaken_looks_again() -> None:
    api = Api([Conflict("the object has been modified")])
    async with writing(api, pod("a")) as writer:
        writer.write(A, "1", no("too small"))
        assert said(await next_of(api.written)) == "too small"


async def test_a_pod_that_went_stops_no_other() -> None:
    api = Api([NotFound.of("pods", "a")])
    async with writing(api, pod("a"), pod("b")) as writer:
        writer.write(A, "1", no("too small"))
        await next_of(api.tried)
        writer.write(key(pod("b")), "1", no("too small"))
        assert (await next_of(api.written)).metadata.name == "b"


async def test_another_pod_of_the_same_name_is_not_told() -> None:
    api = Api()
    async with writing(api, pod("a", uid="2"), pod("b")) as writer:
        writer.write(A, "1", no("too small"))
        writer.write(key(pod("b")), "1", no("too small"))
        assert (await next_of(api.written)).metadata.name == "b"
    assert api.tried.qsize() == 1
