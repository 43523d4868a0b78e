"""Seats of priority levels: a request takes one before it runs, and waits when all are taken.

Idle seats are not lent to other levels: all requests share one event loop, where more at once would not run faster, but
hold up everybody else.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from master.apiserver.flowcontrol import flow_schemas
from master.apiserver.flowcontrol.flow_schemas import Flow, FlowControlConfiguration
from master.apiserver.flowcontrol.queues import Dispatch, QueueSet
from master.apiserver.request.info import RequestInfo
from podlab.errors import TooManyRequests

# As in kube-apiserver: a quarter of the time that a request may take in all.
WAIT_LIMIT_S = 15.0
RETRY_AFTER_S = 1

Waiter = asyncio.Future[bool]


@dataclass(slots=True)
class Turn:
    """The seat that a request has, which `give_back` frees; none where requests do not wait."""

    flow: Flow
    seated: bool


@dataclass
class Seats:
    """Lives in the event loop."""

    configuration: FlowControlConfiguration = field(default_factory=flow_schemas.defaults)
    wait_limit_s: float = WAIT_LIMIT_S
    refused: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """The number of refused requests, by level, schema and reason."""
    dispatched: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The number of requests that ran, by level and schema."""
    queues: dict[str, QueueSet[Waiter]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.configure(self.configuration)

    def configure(self, configuration: FlowControlConfiguration) -> None:
        """Obey another configuration from now on. Requests of a level that is gone end as they began."""
        self.configuration = configuration
        for level in configuration.levels.values():
            queues = self.queues.setdefault(level.name, QueueSet(level.seats, 0, 0))
            queues.seats, queues.most_of_flow, queues.most = level.seats, level.waiting_of_flow, level.waiting
            self._run_next(queues)
        self._forget_unused()

    async def take(self, asked: RequestInfo) -> Turn:
        """Wait for a seat, for `give_back`. Raises TooManyRequests."""
        flow = self.configuration.classify(asked)
        if asked.long_running:
            return Turn(flow, seated=False)
        await self._take(flow)
        self.dispatched[flow.level.name, flow.schema] += 1
        return Turn(flow, seated=True)

    def give_back(self, turn: Turn) -> None:
        """Free the seat."""
        if turn.seated:
            self._give_back(turn.flow.level.name)

    async def _take(self, flow: Flow) -> None:
        name, line = flow.level.name, (flow.schema, flow.distinguisher)
        queues = self.queues[name]
        if flow.level.exempt:
            queues.taken += 1
            return
        waiter: Waiter = asyncio.get_running_loop().create_future()
        dispatch, displaced = queues.arrive(line, waiter)
        if displaced is not None and not displaced.done():
            displaced.set_result(False)
        if dispatch is Dispatch.RUN:
            return
        if dispatch is Dispatch.REFUSE:
            raise self._refusal(flow, "queue-full" if queues.most else "concurrency-limit")
        try:
            async with asyncio.timeout(self.wait_limit_s):
                mine = await waiter
        except BaseException as error:
            queues.give_up(line, waiter)
            if waiter.done() and not waiter.cancelled() and waiter.result():
                self._give_back(name)  # the seat came just when the wait had ended
            if isinstance(error, TimeoutError):
                raise self._refusal(flow, "time-out") from error
            raise
        if not mine:
            raise self._refusal(flow, "queue-full")

    def _give_back(self, name: str) -> None:
        self.queues[name].leave()
        self._run_next(self.queues[name])
        if name not in self.configuration.levels:
            self._forget_unused()

    def _run_next(self, queues: QueueSet[Waiter]) -> None:
        """Let those run who wait and for whom there is a seat."""
        while (waiter := queues.next()) is not None:
            if waiter.done():
                queues.leave()
            else:
                waiter.set_result(True)

    def _forget_unused(self) -> None:
        for name in [one for one in self.queues if one not in self.configuration.levels]:
            if not self.queues[name].taken and not self.queues[name].waiting:
                del self.queues[name]

    def _refusal(self, flow: Flow, reason: str) -> TooManyRequests:
        self.refused[flow.level.name, flow.schema, reason] += 1
        return TooManyRequests("Too many requests, please try again later.", retry_after_s=RETRY_AFTER_S)
