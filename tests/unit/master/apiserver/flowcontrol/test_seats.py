from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from master.apiserver.authentication.user import User
from master.apiserver.flowcontrol import flow_schemas
from master.apiserver.flowcontrol.flow_schemas import FlowControlConfiguration
from master.apiserver.flowcontrol.priority_levels import PriorityLevel
from master.apiserver.flowcontrol.seats import Seats
from master.apiserver.request.info import RequestInfo
from podlab.errors import TooManyRequests
from podlab.flowcontrol.v1.flowschema_pb2 import FlowSchema, NonResourcePolicyRule, Subject, UserSubject


def asked(user: str = "jane", *, long_running: bool = False) -> RequestInfo:
    groups = frozenset({"system:authenticated"})
    return RequestInfo(User(user, groups), (), "/api", "get", long_running=long_running)


LEVEL = PriorityLevel("global-default", 1, 2, 4)


def configured(*levels: PriorityLevel) -> FlowControlConfiguration:
    """Requests of jane and john are of levels of their names, if there are any; all others of `global-default`."""
    known = flow_schemas.defaults()
    schemas = [schema for schema in known.schemas if schema.metadata.name in ("global-default", "exempt")]
    for name in ("jane", "john"):
        made = FlowSchema()
        made.metadata.name = made.spec.priorityLevelConfiguration.name = name
        made.spec.rules.add(
            subjects=[Subject(kind="User", user=UserSubject(name=name))],
            nonResourceRules=[NonResourcePolicyRule(verbs=["*"], nonResourceURLs=["*"])],
        )
        if any(level.name == name for level in levels):
            schemas.insert(0, made)
    given = {level.name: level for level in (known.levels["exempt"], LEVEL, *levels)}
    return FlowControlConfiguration(given, tuple(schemas))


def turns(waiting_of_flow: int = 2, wait_limit_s: float = 5.0) -> Seats:
    return Seats(configured(replace(LEVEL, waiting_of_flow=waiting_of_flow)), wait_limit_s)


@asynccontextmanager
async def turn(made: Seats, user: str = "jane", *, long_running: bool = False) -> AsyncIterator[None]:
    taken = await made.take(asked(user, long_running=long_running))
    try:
        yield
    finally:
        made.give_back(taken)


async def test_one_after_the_other() -> None:
    made = turns()
    order: list[int] = []

    async def run(number: int) -> None:
        async with turn(made):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(run(number) for number in range(3)))
    assert order == [0, 1, 2]
    assert made.queues["global-default"].taken == 0


async def test_who_waits_too_long_hears_when_to_come_again() -> None:
    made = turns(wait_limit_s=0.01)
    async with turn(made):
        with pytest.raises(TooManyRequests, match="Too many requests, please try again later") as refused:
            async with turn(made):
                pass
    assert refused.value.retry_after_s == 1
    assert made.refused == {("global-default", "global-default", "time-out"): 1}
    assert made.queues["global-default"].taken == made.queues["global-default"].waiting == 0


async def test_more_than_may_wait_are_refused_at_once() -> None:
    made = turns(waiting_of_flow=0)
    async with turn(made):
        with pytest.raises(TooManyRequests):
            async with turn(made):
                pass
    assert made.refused == {("global-default", "global-default", "queue-full"): 1}


async def test_a_waiter_that_leaves_passes_its_turn_on() -> None:
    made = turns()
    entered = asyncio.Event()

    async def run() -> None:
        async with turn(made):
            entered.set()

    async with turn(made):
        leaving, staying = asyncio.create_task(run()), asyncio.create_task(run())
        await asyncio.sleep(0)
        leaving.cancel()
    leaving.cancel()
    await staying
    assert entered.is_set()
    assert made.queues["global-default"].taken == 0


async def test_streams_take_no_seat() -> None:
    made = turns()
    async with turn(made, long_running=True), turn(made):
        assert made.queues["global-default"].taken == 1


async def test_who_may_not_wait_is_refused_for_the_seats() -> None:
    made = Seats(configured(PriorityLevel("jane", 1, 0, 0)))
    async with turn(made), turn(made, "john"):
        with pytest.raises(TooManyRequests):
            await made.take(asked())
    assert made.refused == {("jane", "jane", "concurrency-limit"): 1}


async def test_another_configuration_lets_those_run_for_whom_there_is_room_now() -> None:
    made = turns()
    async with turn(made):
        waiting = asyncio.create_task(made.take(asked()))
        await asyncio.sleep(0)
        made.configure(configured(replace(LEVEL, seats=2)))
        made.give_back(await waiting)


async def test_requests_of_a_level_that_is_gone_end_as_they_began() -> None:
    made = Seats(configured(LEVEL, PriorityLevel("jane", 1, 2, 4)))
    first = await made.take(asked())
    waiting = asyncio.create_task(made.take(asked()))
    await asyncio.sleep(0)
    made.configure(configured(LEVEL))
    assert made.queues["jane"].waiting == 1
    made.give_back(first)
    made.give_back(await waiting)
    assert "jane" not in made.queues
