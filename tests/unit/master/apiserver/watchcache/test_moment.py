import asyncio

import pytest

from master.apiserver.watchcache.moment import Moments
from master.store.errors import Closed


class Store:
    """Answers when it is told to; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers: list[asyncio.Future[int]] = []

    async def revision(self) -> int:
        self.asked += 1
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.answers.append(answer)
        return await answer


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_one_look_up_serves_all_who_asked_before_it_began() -> None:
    store = Store()
    moments = Moments(store)
    first = asyncio.create_task(moments.now())
    await turns()
    others = [asyncio.create_task(moments.now()) for _ in range(5)]
    await turns()
    assert store.asked == 1
    store.answers[0].set_result(7)
    assert await first == 7
    await turns()
    assert store.asked == 2
    store.answers[1].set_result(9)
    assert await asyncio.gather(*others) == [9] * 5


async def test_who_asks_while_one_is_under_way_is_not_served_by_it() -> None:
    store = Store()
    moments = Moments(store)
    first = asyncio.create_task(moments.now())
    await turns()
    second = asyncio.create_task(moments.now())
    await turns()
    store.answers[0].set_result(7)
    await turns()
    third = asyncio.create_task(moments.now())
    await turns()
    store.answers[1].set_result(8)
    await turns()
    assert (await first, await second, third.done()) == (7, 8, False)
    store.answers[2].set_result(9)
    assert await third == 9
    alone = asyncio.create_task(moments.now())
    await turns()
    store.answers[3].set_result(10)
    assert (await alone, store.asked) == (10, 4)


async def test_who_leaves_takes_nobody_along() -> None:
    store = Store()
    moments = Moments(store)
    first = asyncio.create_task(moments.now())
    await turns()
    second, third = (asyncio.create_task(moments.now()) for _ in range(2))
    await turns()
    first.cancel()
    second.cancel()
    await turns()
    store.answers[1].set_result(3)
    assert await third == 3


async def test_a_store_that_fails_tells_all_and_is_asked_again() -> None:
    store = Store()
    moments = Moments(store)
    first = asyncio.create_task(moments.now())
    await turns()
    second = asyncio.create_task(moments.now())
    await turns()
    store.answers[0].set_exception(Closed())
    await turns()
    store.answers[1].set_exception(Closed())
    for each in (first, second):
        with pytest.raises(Closed):
            await each
    third = asyncio.create_task(moments.now())
    await turns()
    store.answers[2].set_result(4)
    assert await third == 4
