"""The wait of the scheduler's loop for active pods."""

import asyncio
import time

from podlab_testing.waiting import WITHIN_S

from master.scheduler.active_pods import wait_for_active_pods
from master.scheduler.queue.backoff import Backoff
from master.scheduler.queue.scheduling_queue import SchedulingQueue
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key

A = Key(GroupKind("", "Pod"), "default", "a")


async def test_the_loop_sleeps_until_something_is_due() -> None:
    changed = asyncio.Event()
    queue = SchedulingQueue(time.monotonic, changed=changed.set)
    waiting = asyncio.create_task(wait_for_active_pods(queue, changed))
    for _ in range(3):  # a change that brings nothing active does not end it
        changed.set()
        await asyncio.sleep(0)
    assert not waiting.done()
    queue.add(A, 0)
    await asyncio.wait_for(waiting, WITHIN_S)
    assert queue.pop(1) == [A]


async def test_the_loop_wakes_when_a_back_off_ends() -> None:
    changed = asyncio.Event()
    queue = SchedulingQueue(time.monotonic, Backoff(0.02), changed=changed.set)
    queue.add(A, 0)
    assert queue.pop(1) == [A]
    queue.requeue_after_backoff(A)
    await asyncio.wait_for(wait_for_active_pods(queue, changed), WITHIN_S)
    assert queue.pop(1) == [A]
