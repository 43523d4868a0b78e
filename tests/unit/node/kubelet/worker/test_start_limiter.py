"""How many starts there are at once, and which comes next."""

from __future__ import annotations

import asyncio

import pytest
from podlab_testing.waiting import WITHIN_S

from node.kubelet.worker.start_limiter import CONTAINER, SANDBOX, StartLimiter


async def _take(limiter: StartLimiter, rank: int, name: str, seen: list[str], go: asyncio.Event) -> None:
    async with limiter.slot(rank):
        seen.append(name)
        await go.wait()


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_containers_come_before_sandboxes_and_equals_in_their_order() -> None:
    limiter, first, rest = StartLimiter(1), asyncio.Event(), asyncio.Event()
    seen: list[str] = []
    rest.set()
    async with asyncio.TaskGroup() as group:
        group.create_task(_take(limiter, SANDBOX, "s0", seen, first))
        await _settle()
        for rank, name in ((SANDBOX, "s1"), (CONTAINER, "c1"), (SANDBOX, "s2"), (CONTAINER, "c2")):
            group.create_task(_take(limiter, rank, name, seen, rest))
        await _settle()
        assert seen == ["s0"]
        first.set()
    assert seen == ["s0", "c1", "c2", "s1", "s2"]


async def test_no_more_than_the_limit_have_a_slot() -> None:
    limiter, go = StartLimiter(2), asyncio.Event()
    seen: list[str] = []
    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(_take(limiter, SANDBOX, name, seen, go))
        await _settle()
        assert seen == ["a", "b"]
        go.set()
    assert seen == ["a", "b", "c"]


@pytest.mark.parametrize("granted", [False, True])
async def test_who_gives_up_does_not_take_a_turn_with_it(granted: bool) -> None:
    limiter, first, rest = StartLimiter(1), asyncio.Event(), asyncio.Event()
    seen: list[str] = []
    rest.set()
    holder = asyncio.create_task(_take(limiter, SANDBOX, "holder", seen, first))
    await _settle()
    quitter = asyncio.create_task(_take(limiter, SANDBOX, "quitter", seen, rest))
    await _settle()
    if granted:
        limiter._release()  # the turn comes in the same moment
    quitter.cancel()
    await asyncio.gather(quitter, return_exceptions=True)
    first.set()
    await holder
    async with asyncio.timeout(WITHIN_S):
        await _take(limiter, SANDBOX, "later", seen, rest)
    assert seen == ["holder", "later"]
