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
from master.apiserver.filters.authorize import AuthorizationFilter, depends_on_objects, forbidden
from master.apiserver.filters.metrics import Metrics
from master.apiserver.flowcontrol.heartbeats import HeartbeatBatches, is_heartbeat
from master.apiserver.flowcontrol.inflight_limits import InflightLimits
from master.apiserver.flowcontrol.seats import Seats
from master.apiserver.flowcontrol.write_rates import WriteRates
from master.apiserver.request import errors
from master.apiserver.request.info import Exchange, RequestInfo
from master.apiserver.watchcache.moment import Moments
from master.store.errors import StoreError
from podlab.errors import ApiError

Answer = TypeVar("Answer")
Handler = Callable[[Exchange], Awaitable[Answer]]


class HandlerChain:
    """Passed once by each request."""

    def __init__(
        self,
        authorization: AuthorizationFilter,
        moments: Moments,
        limits: InflightLimits,
        *,
        turns: Seats,
        metrics: Metrics,
        trail: Auditor | None,
    ) -> None:
        self.authorization = authorization
        self._moments = moments
        self._limits = limits
        self._turns = turns
        self._metrics = metrics
        self._trail = trail
        self._heartbeats = HeartbeatBatches()
        self._writes = WriteRates()

    async def run(self, info: RequestInfo, handler: Handler[Answer]) -> Answer:
        """What the handler answers. Raises TooManyRequests, Forbidden, and what the handler raises."""
        exchange = Exchange(info)
        place, started = self._metrics.begin(info), time.perf_counter()
        steps = self._trail.begin(exchange) if self._trail is not None else None
        last = Stage.COMPLETE
        try:
            return await self._within_limits(exchange, steps, handler)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:  # the caller hears of it, and the log when it is ours
            if not isinstance(error, ApiError | StoreError):
                last = Stage.PANIC
            exchange.error = errors.api_error(error, info.request)
            exchange.code = exchange.error.code
            if exchange.error is error:
                raise
            raise exchange.error from error
        finally:
            self._metrics.end(place, exchange, time.perf_counter() - started)
            if steps is not None:
                steps.reached(last)

    async def _within_limits(self, exchange: Exchange, steps: AuditContext | None, handler: Handler[Answer]) -> Answer:
        info = exchange.info
        if info.refusal is not None:
            raise info.refusal
        limit, caller = self._limits.of(info), info.caller.name
        limit.take(caller)
        try:
            if info.about_objects or depends_on_objects(info.caller):
                exchange.moment = await self._moments.now()
            if info.impersonator is not None:
                await self._impersonate(exchange, info.impersonator)
            if is_heartbeat(info):
                await self._heartbeats.next_batch()
            turn = await self._turns.take(info)
            exchange.flow_schema, exchange.priority_level = turn.flow.schema_uid, turn.flow.level.uid
            try:
                await self._authorize(exchange)
                with self._writes.charged(info):
                    return await self._handled(exchange, steps, handler)
            finally:
                self._turns.give_back(turn)
        finally:
            limit.give_back(caller)

    async def _handled(self, exchange: Exchange, steps: AuditContext | None, handler: Handler[Answer]) -> Answer:
        if steps is not None and exchange.info.long_running:
            steps.reached(Stage.STARTED)
        return await handler(exchange)

    async def _impersonate(self, exchange: Exchange, impersonator: User) -> None:
        for wanted in exchange.info.to_impersonate:
            await self.authorization.admit(impersonator, wanted, exchange.moment)
        exchange.impersonated = True

    async def _authorize(self, exchange: Exchange) -> None:
        info = exchange.info
        for wanted in info.wanted:
            verdict = await self.authorization.judge(info.user, wanted, exchange.moment)
            exchange.decision, exchange.reason = "allow" if verdict.allowed else "forbid", verdict.reason
            if not verdict.allowed:
                raise forbidden(info.user, wanted, verdict)
