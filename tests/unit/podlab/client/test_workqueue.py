import asyncio
import time
from collections.abc import Sequence

import pytest
import uvloop
from podlab_testing.waiting import WITHIN_S

from podlab.client.workqueue import ShutDown, WorkQueue, run_batches, run_workers


async def test_a_key_added_often_comes_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for key in ("a", "b", "a"):
        queue.add(key)
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    assert len(queue) == 0


async def test_a_key_in_work_is_not_given_out_again_until_it_is_done() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    await queue.get()
    queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert await asyncio.wait_for(queue.get(), WITHIN_S) == "a"


async def test_of_two_delays_the_shorter_counts() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 60)
    queue.add_after("a", 0.001)
    assert await asyncio.wait_for(queue.get(), WITHIN_S) == "a"
    queue.shut_down()


def test_no_delay_is_too_short_for_uvloop() -> None:
    async def asked_for_twice() -> str:
        queue: WorkQueue[str] = WorkQueue()
        queue.add_after("a", 1e-5)
        queue.add_after("a", 1e-5)
        return await asyncio.wait_for(queue.get(), WITHIN_S)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(asked_for_twice()) == "a"


async def test_shutting_down_ends_every_worker() -> None:
    queue: WorkQueue[str] = WorkQueue()
    waiting = [asyncio.create_task(queue.get()) for _ in range(3)]
    await asyncio.sleep(0)
    queue.shut_down()
    results = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), WITHIN_S)
    assert all(isinstance(result, ShutDown) for result in results)


async def test_a_failed_key_comes_again_and_others_are_not_held_up(caplog: pytest.LogCaptureFixture) -> None:
    queue: WorkQueue[str] = WorkQueue()
    seen: list[str] = []

    async def reconcile(key: str) -> None:
        seen.append(key)
        if seen.count("bad") == 3:
            queue.shut_down()
        if key == "bad":
            raise ValueError("not yet")

    queue.add("bad")
    queue.add("good")
    await asyncio.wait_for(run_workers(queue, reconcile, workers=2, name="test"), WITHIN_S)
    assert seen.count("bad") == 3
    assert seen.count("good") == 1
    assert "test: bad: ValueError: not yet: will be tried again" in caplog.text


async def test_what_waits_together_is_taken_together() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for key in "abc":
        queue.add(key)
    assert await queue.take(2) == ["a", "b"]
    queue.add("a")
    assert await queue.take(2) == ["c"], "a is worked on"
    queue.done("a")
    assert await queue.take(2) == ["a"]


async def test_of_a_batch_those_that_failed_come_again(caplog: pytest.LogCaptureFixture) -> None:
    queue: WorkQueue[str] = WorkQueue()
    calls: list[list[str]] = []

    async def reconcile(keys: Sequence[str]) -> dict[str, Exception]:
        calls.append([*keys])
        if len(calls) == 1:
            return {"b": ValueError("not yet")}
        if len(calls) == 2:
            raise ValueError("nobody there")
        queue.shut_down()
        return {}

    for key in "abc":
        queue.add(key)
    await asyncio.wait_for(run_batches(queue, reconcile, limit=10, at_once=1, name="test"), WITHIN_S)
    assert calls == [["a", "b", "c"], ["b"], ["b"]]
    assert "test: b: ValueError: not yet: will be tried again" in caplog.text
    assert "test: b: ValueError: nobody there: will be tried again" in caplog.text


async def test_a_timer_that_comes_late_lets_what_happened_meanwhile_be_read_first() -> None:
    queue: WorkQueue[str] = WorkQueue(late_s=0.05, catching_up_s=0.3)
    queue.add_after("a", 0.01)
    time.sleep(0.12)  # noqa: ASYNC251 - the process is stopped
    for _ in range(3):
        await asyncio.sleep(0)  # the timer has its turn
    assert len(queue) == 0
    queue.add("b")
    assert [await queue.get(), await queue.get()] == ["b", "a"]
