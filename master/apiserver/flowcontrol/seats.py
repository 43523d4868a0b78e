"""Seats of priority levels: a request takes one before it runs, and waits when all are taken."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from master.apiserver.flowcontrol import priority_levels
from master.apiserver.flowcontrol.priority_levels import LEVELS, PriorityLevel
from master.apiserver.flowcontrol.queues import Dispatch, QueueSet
from master.apiserver.request.info import RequestInfo
from podlab.errors import TooManyRequests

# As in kube-apiserver: a quarter of the time that a request may take in all.
WAIT_LIMIT_S = 15.0
RETRY_AFTER_S = 1
# The level of requests that never wait and take no seat.
EXEMPT = "exempt"

Waiter = asyncio.Future[bool]


@dataclass
class Seats:
    """Lives in the event loop."""

    levels: Sequence[PriorityLevel] = LEVELS
    wait_limit_s: float = WAIT_LIMIT_S
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The number of refused requests, by level and reason."""
    queues: dict[str, QueueSet[Waiter]] = field(init=False)

    def __post_init__(self) -> None:
        self.queues = {each.name: QueueSet(each.seats, each.waiting_of_flow, each.waiting) for each in self.levels}

    async def take(self, asked: RequestInfo) -> str:
        """Wait for a seat. Returns the level, for `give_back`. Raises TooManyRequests."""
        level = None if asked.long_running else priority_levels.level(asked)
        if level is None:
            return EXEMPT
        await self._take(level.name, asked.user.name)
        return level.name

    def give_back(self, level: str) -> None:
        """Free the seat."""
        if level != EXEMPT:
            self._give_back(level)

    async def _take(self, level: str, flow: str) -> None:
        queues = self.queues[level]
        waiter: Waiter = asyncio.get_running_loop().create_future()
        verdict, displaced = queues.arrive(flow, waiter)
        if displaced is not None and not displaced.done():
            displaced.set_result(False)
        if verdict is Dispatch.RUN:
            return
        if verdict is Dispatch.REFUSE:
            raise self._refusal(level, "queue-full")
        try:
            async with asyncio.timeout(self.wait_limit_s):
                mine = await waiter
        except BaseException as error:
            queues.give_up(flow, waiter)
            if waiter.done() and not waiter.cancelled() and waiter.result():
                self._give_back(level)  # the seat came just when the wait had ended
            if isinstance(error, TimeoutError):
                raise self._refusal(level, "time-out") from error
            raise
        if not mine:
            raise self._refusal(level, "queue-full")

    def _give_back(self, level: str) -> None:
        while (waiter := self.queues[level].leave()) is not None:
            if not waiter.done():
                waiter.set_result(True)
                return

    def _refusal(self, level: str, reason: str) -> TooManyRequests:
        self.refused[level, reason] += 1
        return TooManyRequests("Too many requests, please try again later.", retry_after_s=RETRY_AFTER_S)
