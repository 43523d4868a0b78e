"""The way of every request, over gRPC and REST alike.

Who calls has been found out by then. The audit log hears of it, it waits for its turn, authorization is asked, its
handler runs, and the audit log and the figures hear how it ended. What is raised on the way leaves as an error of ours.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from master.apiserver import border
from master.apiserver.audit.policy import Stage
from master.apiserver.audit.trail import Trail
from master.apiserver.fairness.turns import Turns
from master.apiserver.guard import Guard
from master.apiserver.limits import Limits
from master.apiserver.metrics import Metrics
from master.apiserver.passage import Asked, Passage
from master.store.errors import StoreError
from podlab.errors import ApiError, Forbidden


class Gate:
    """Passed once by each request. Its handler runs within `entered`."""

    def __init__(self, guard: Guard, limits: Limits, turns: Turns, metrics: Metrics, trail: Trail | None) -> None:
        self._guard = guard
        self._limits = limits
        self._turns = turns
        self._metrics = metrics
        self._trail = trail

    @asynccontextmanager
    async def entered(self, asked: Asked) -> AsyncIterator[Passage]:
        """The request's handler runs in the block. Raises TooManyRequests, Forbidden, and what the handler raises."""
        passage = Passage(asked)
        place, started = self._metrics.begin(asked), time.perf_counter()
        steps = self._trail.begin(passage) if self._trail is not None else None
        last = Stage.COMPLETE
        try:
            with self._limits.of(asked).held_by(asked.caller.name):
                async with self._turns.taken(asked):
                    await self._authorize(passage)
                    if steps is not None and asked.long_running:
                        steps.reached(Stage.STARTED)
                    yield passage
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:  # the caller hears of it, and the log when it is ours
            if not isinstance(error, ApiError | StoreError):
                last = Stage.PANIC
            passage.error = border.api_error(error, asked.request)
            passage.code = passage.error.code
            raise passage.error from error
        finally:
            self._metrics.end(place, passage, time.perf_counter() - started)
            if steps is not None:
                steps.reached(last)

    async def _authorize(self, passage: Passage) -> None:
        asked = passage.asked
        try:
            for wanted in asked.to_impersonate:
                await self._guard.admit(asked.caller, wanted)
            for wanted in asked.wanted:
                await self._guard.admit(asked.user, wanted)
        except Forbidden as refusal:
            passage.decision, passage.reason = "forbid", refusal.message
            raise
        passage.decision = "allow"
