"""The way of every request, over gRPC and REST alike.

Who calls has been found out by then. The audit log hears of it, it waits for its turn, authorization is asked, its
handler runs, and the audit log and the figures hear how it ended. What is raised on the way leaves as an error of ours.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from master.apiserver.audit.auditor import AuditContext, Auditor
from master.apiserver.audit.policy import Stage
from master.apiserver.authentication.user import User
from master.apiserver.filters.authorize import Guard, depends_on_objects, forbidden
from master.apiserver.filters.metrics import Metrics
from master.apiserver.flowcontrol.heartbeats import HeartbeatBatches, is_heartbeat
from master.apiserver.flowcontrol.inflight_limits import InflightLimits
from master.apiserver.flowcontrol.seats import Seats
from master.apiserver.flowcontrol.write_rates import WriteRates
from master.apiserver.request import errors
from master.apiserver.request.info import Asked, Passage
from master.apiserver.watchcache.moment import Moments
from master.store.errors import StoreError
from podlab.errors import ApiError

Answer = TypeVar("Answer")
Handler = Callable[[Passage], Awaitable[Answer]]


class Gate:
    """Passed once by each request."""

    def __init__(
        self,
        guard: Guard,
        moments: Moments,
        limits: InflightLimits,
        *,
        turns: Seats,
        metrics: Metrics,
        trail: Auditor | None,
    ) -> None:
        self._guard = guard
        self._moments = moments
        self._limits = limits
        self._turns = turns
        self._metrics = metrics
        self._trail = trail
        self._heartbeats = HeartbeatBatches()
        self._writes = WriteRates()

    async def passed(self, asked: Asked, handler: Handler[Answer]) -> Answer:
        """What the handler answers. Raises TooManyRequests, Forbidden, and what the handler raises."""
        passage = Passage(asked)
        place, started = self._metrics.begin(asked), time.perf_counter()
        steps = self._trail.begin(passage) if self._trail is not None else None
        last = Stage.COMPLETE
        try:
            return await self._within_limits(passage, steps, handler)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:  # the caller hears of it, and the log when it is ours
            if not isinstance(error, ApiError | StoreError):
                last = Stage.PANIC
            passage.error = errors.api_error(error, asked.request)
            passage.code = passage.error.code
            if passage.error is error:
                raise
            raise passage.error from error
        finally:
            self._metrics.end(place, passage, time.perf_counter() - started)
            if steps is not None:
                steps.reached(last)

    async def _within_limits(self, passage: Passage, steps: AuditContext | None, handler: Handler[Answer]) -> Answer:
        asked = passage.asked
        if asked.refusal is not None:
            raise asked.refusal
        limit, caller = self._limits.of(asked), asked.caller.name
        limit.take(caller)
        try:
            if asked.about_objects or depends_on_objects(asked.caller):
                passage.moment = await self._moments.now()
            if asked.impersonator is not None:
                await self._impersonate(passage, asked.impersonator)
            if is_heartbeat(asked):
                await self._heartbeats.next_batch()
            turn = await self._turns.take(asked)
            try:
                await self._authorize(passage)
                with self._writes.charged(asked):
                    return await self._handled(passage, steps, handler)
            finally:
                self._turns.give_back(turn)
        finally:
            limit.give_back(caller)

    async def _handled(self, passage: Passage, steps: AuditContext | None, handler: Handler[Answer]) -> Answer:
        if steps is not None and passage.asked.long_running:
            steps.reached(Stage.STARTED)
        return await handler(passage)

    async def _impersonate(self, passage: Passage, impersonator: User) -> None:
        for wanted in passage.asked.to_impersonate:
            await self._guard.admit(impersonator, wanted, passage.moment)
        passage.impersonated = True

    async def _authorize(self, passage: Passage) -> None:
        asked = passage.asked
        for wanted in asked.wanted:
            verdict = await self._guard.judge(asked.user, wanted, passage.moment)
            passage.decision, passage.reason = "allow" if verdict.allowed else "forbid", verdict.reason
            if not verdict.allowed:
                raise forbidden(asked.user, wanted, verdict)
