"""Asks kubelets what nodes and pods use, on demand, and keeps the answers for a short time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from podlab.errors import ApiError
from podlab.v1.kubelet_pb2 import StatsResponse

# Older figures are not used; the kubelet is asked again.
KEPT_S = 10.0
# A kubelet that takes longer is left out.
LIMIT_S = 5.0
ASKED_AT_ONCE = 64

Measure = Callable[[str], Awaitable[StatsResponse]]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Scrape:
    at_s: float
    stats: asyncio.Task[StatsResponse | None]


class Scraper:
    """Asks each node once for all callers. `measure` asks one kubelet."""

    def __init__(self, measure: Measure, clock: Callable[[], float] = time.monotonic) -> None:
        self._measure = measure
        self._clock = clock
        self._kept: dict[str, _Scrape] = {}
        self._silent: set[str] = set()
        self._turns = asyncio.Semaphore(ASKED_AT_ONCE)

    async def of(self, nodes: Iterable[str]) -> dict[str, StatsResponse]:
        """The figures by node. Nodes whose kubelets do not answer are left out."""
        now = self._clock()
        self._kept = {name: kept for name, kept in self._kept.items() if now - kept.at_s < KEPT_S}
        tasks: dict[str, asyncio.Task[StatsResponse | None]] = {}
        for name in nodes:
            if name not in self._kept:
                self._kept[name] = _Scrape(now, asyncio.create_task(self._asked(name)))
            tasks[name] = self._kept[name].stats
        # Shielded: a caller that leaves must not cancel the answer that others wait for.
        found = await asyncio.gather(*(asyncio.shield(task) for task in tasks.values()))
        return {name: stats for name, stats in zip(tasks, found, strict=True) if stats is not None}

    async def _asked(self, node: str) -> StatsResponse | None:
        try:
            async with self._turns, asyncio.timeout(LIMIT_S):
                stats = await self._measure(node)
        except (ApiError, TimeoutError) as error:
            if node not in self._silent:
                log.warning(
                    "node %s does not tell what it uses: %s", node, error or f"no answer within {LIMIT_S:.0f} s"
                )
            self._silent.add(node)
            return None
        self._silent.discard(node)
        return stats
