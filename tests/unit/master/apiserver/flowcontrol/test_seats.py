from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from master.apiserver.authentication.user import User
from master.apiserver.flowcontrol.priority_levels import PriorityLevel
from master.apiserver.flowcontrol.seats import Seats
from master.apiserver.request.info import RequestInfo
from podlab.errors import TooManyRequests


def asked(user: str = "jane", *, long_running: bool = False) -> RequestInfo:
    groups = frozenset({"system:authenticated"})
    return RequestInfo(User(user, groups), (), "/api", "get", long_running=long_running)


def turns(seats: int = 1, waiting_of_flow: int = 2, waiting: int = 4, wait_limit_s: float = 5.0) -> Seats:
    return Seats((PriorityLevel("global-default", seats, waiting_of_flow, waiting),), wait_limit_s)


@asynccontextmanager
async def turn(made: Seats, *, long_running: bool = False) -> AsyncIterator[None]:
    taken = await made.take(asked(long_running=long_running))
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
    assert made.refused == {("global-default", "time-out"): 1}
    assert made.queues["global-default"].taken == made.queues["global-default"].waiting == 0


async def test_more_than_may_wait_are_refused_at_once() -> None:
    made = turns(waiting_of_flow=0)
    async with turn(made):
        with pytest.raises(TooManyRequests):
            async with turn(made):
                pass
    assert made.refused == {("global-default", "queue-full"): 1}


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
