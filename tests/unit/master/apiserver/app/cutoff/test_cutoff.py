"""Only a server that is alone in not reaching the store leaves its clients to others."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from podlab_testing.waiting import WITHIN_S

from master.apiserver.app.cutoff.cutoff import Cutoff, Neighbour, is_cut_off
from master.store.errors import Closed, StoreError, Unreachable

READY, NOT_READY, AWAY = Neighbour.READY, Neighbour.NOT_READY, Neighbour.AWAY


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], False),
        ([READY], True),
        ([READY, AWAY], True),
        ([READY, NOT_READY], True),
        ([AWAY, AWAY], True),
        ([NOT_READY, NOT_READY], False),
        ([NOT_READY, AWAY], False),
    ],
)
def test_who_is_cut_off_is_told_by_how_the_others_are(others: list[Neighbour], expected: bool) -> None:
    assert is_cut_off(others) is expected


class FakeStore:
    """Answers, or raises."""

    error: StoreError | None = None
    asked = 0

    async def revision(self) -> int:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return 1


def cutoff(store: FakeStore, *others: Neighbour) -> Cutoff:
    async def ask(address: str) -> Neighbour:
        return others[int(address)]

    return Cutoff(store, lambda: [str(number) for number in range(len(others))], ask, every_s=0.001, silent_s=0.02)


async def goes_on(cutoff: Cutoff, store: FakeStore) -> None:
    """It is not over after many looks."""
    waiting = asyncio.create_task(cutoff.begun())
    while store.asked < 40:
        assert not waiting.done()
        await asyncio.sleep(0.001)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting


async def test_it_begins_and_ends_with_the_way_to_the_store() -> None:
    store = FakeStore()
    store.error = Unreachable(["m0"], "cut")
    told = cutoff(store, READY, AWAY)
    await asyncio.wait_for(told.begun(), WITHIN_S)
    ending = asyncio.create_task(told.ended())
    await asyncio.sleep(0.01)
    assert not ending.done()
    store.error = None
    await asyncio.wait_for(ending, WITHIN_S)


@pytest.mark.parametrize("others", [[], [NOT_READY, AWAY]])
async def test_a_store_that_is_gone_for_everybody_is_no_reason(others: list[Neighbour]) -> None:
    store = FakeStore()
    store.error = Unreachable(["m0"], "gone")
    await goes_on(cutoff(store, *others), store)


@pytest.mark.parametrize("error", [None, Closed()])
async def test_a_store_that_answers_or_is_closed_is_no_reason(error: StoreError | None) -> None:
    store = FakeStore()
    store.error = error
    await goes_on(cutoff(store, READY), store)
