import asyncio

import pytest

from master.scheduler import queue as queues
from master.scheduler.queue import SchedulingQueue
from podlab.api.objects import Key


def at(name: str) -> Key:
    return Key("Pod", "default", name)


async def is_empty(queue: SchedulingQueue) -> bool:
    try:
        await asyncio.wait_for(queue.pop(1), 0.02)
    except TimeoutError:
        return True
    return False


async def test_the_highest_priority_comes_first_and_then_the_longest_wait() -> None:
    queue = SchedulingQueue()
    for name, priority in (("a", 0), ("b", 10), ("c", 0)):
        queue.add(at(name), priority)
    assert (await queue.pop(10))[0] == [at("b"), at("a"), at("c")]


async def test_a_pod_that_is_gone_is_not_judged() -> None:
    queue = SchedulingQueue()
    queue.add(at("a"), 0)
    queue.remove(at("a"))
    assert await is_empty(queue)


async def test_an_unschedulable_pod_waits_for_an_event_and_its_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "BACKOFF_BASE_S", 0.03)
    queue = SchedulingQueue()
    queue.add(at("a"), 0)
    keys, moves = await queue.pop(1)
    queue.failed(keys[0], moves, unschedulable=True)
    assert await is_empty(queue)
    queue.move_all()
    assert (await asyncio.wait_for(queue.pop(1), 1))[0] == [at("a")]
    assert queue.attempts(at("a")) == 1


async def test_an_event_during_the_judgement_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "BACKOFF_BASE_S", 0.01)
    queue = SchedulingQueue()
    queue.add(at("a"), 0)
    keys, moves = await queue.pop(1)
    queue.move_all()
    assert await is_empty(queue), "a pod that is being judged is not given out twice"
    queue.failed(keys[0], moves, unschedulable=True)
    assert (await asyncio.wait_for(queue.pop(1), 1))[0] == [at("a")]
