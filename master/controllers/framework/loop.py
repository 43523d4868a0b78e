"""How a controller runs: a queue of keys and workers that reconcile them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, Protocol, TypeVar

from podlab.client.workqueue import WorkQueue, run_workers
from podlab.errors import Conflict, NotFound

K = TypeVar("K", bound=Hashable)
log = logging.getLogger(__name__)

WORKERS = 5
# The change that made us late comes through the informer and brings the key back; this is for when it came before.
STALE_RETRY_S = 1.0


class Controller(Protocol):
    """One control loop. Its constructor subscribes to informers; `run`, called once those are synced, never returns."""

    @property
    def name(self) -> str: ...

    async def run(self) -> None: ...


class Loop(Generic[K]):
    """Keys added to `queue` are reconciled, each by one worker at a time, and again after an error."""

    def __init__(self, name: str, reconcile: Callable[[K], Awaitable[None]], *, workers: int = WORKERS) -> None:
        self.name = name
        self.queue: WorkQueue[K] = WorkQueue()
        self._reconcile = reconcile
        self._workers = workers

    async def run(self) -> None:
        await run_workers(self.queue, self._once, workers=self._workers, name=self.name)

    async def _once(self, key: K) -> None:
        try:
            await self._reconcile(key)
        except (Conflict, NotFound) as error:
            log.debug("%s: %s: what we knew is out of date: %s", self.name, key, error)
            self.queue.add_after(key, STALE_RETRY_S)
