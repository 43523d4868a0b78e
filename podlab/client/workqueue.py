"""A queue of keys to look at: each key once however often it was added, never worked on twice at a time.

Behaviour follows client-go's rate-limiting work queue
(https://pkg.go.dev/k8s.io/client-go/util/workqueue).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
log = logging.getLogger(__name__)

BACKOFF_BASE_S = 0.005
BACKOFF_LIMIT_S = 60.0
# A timer that comes so late tells that this process was stopped, or had no processor. What happened meanwhile is still
# to be read: who decided now by the time that has passed would blame others for what it did not see.
LATE_S = 2.0
CATCHING_UP_S = 1.0


class ShutDown(Exception):
    """No more keys come."""


class WorkQueue(Generic[K]):
    """Add keys; workers `get` them and say `done`. A key added while it is worked on comes again afterwards."""

    def __init__(self, *, late_s: float = LATE_S, catching_up_s: float = CATCHING_UP_S) -> None:
        self._late_s = late_s
        self._catching_up_s = catching_up_s
        self._waiting: deque[K] = deque()
        self._dirty: set[K] = set()  # waiting, or to be added again when done
        self._working: set[K] = set()
        self._failures: dict[K, int] = {}
        # With the time when each is due: uvloop's handles of very short delays cannot be asked.
        self._timers: dict[K, tuple[float, asyncio.Handle]] = {}
        self._ready = asyncio.Event()
        self._closed = False

    def add(self, key: K) -> None:
        """Asks for the key to be looked at; does nothing when it waits already."""
        if self._closed or key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._working:
            self._waiting.append(key)
            self._ready.set()

    def add_after(self, key: K, delay_s: float) -> None:
        """Adds the key in a while. Of several delays for one key the shortest counts."""
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        waiting = self._timers.get(key)
        due = loop.time() + delay_s
        if waiting is not None:
            earlier, timer = waiting
            if earlier <= due:
                return
            timer.cancel()
        self._timers[key] = due, loop.call_at(due, self._timer_fired, key)

    def retry(self, key: K) -> None:
        """Adds the key after a back-off that doubles with each call, until `forget`."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, min(BACKOFF_LIMIT_S, BACKOFF_BASE_S * 2 ** min(failures, 32)))

    def forget(self, key: K) -> None:
        """Resets the key's back-off."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """The next key; the caller must say `done`. Raises ShutDown."""
        while not self._waiting and not self._closed:
            self._ready.clear()
            await self._ready.wait()
        if self._closed:
            raise ShutDown
        key = self._waiting.popleft()
        self._dirty.discard(key)
        self._working.add(key)
        return key

    async def take(self, limit: int) -> list[K]:
        """The next key and what waits with it, so many at most; the caller must say `done` of each. Raises ShutDown."""
        keys = [await self.get()]
        while self._waiting and len(keys) < limit:
            keys.append(await self.get())
        return keys

    def done(self, key: K) -> None:
        """Says that the work on the key ended, well or not."""
        self._working.discard(key)
        if key in self._dirty and not self._closed:
            self._waiting.append(key)
            self._ready.set()

    def shut_down(self) -> None:
        """Ends the queue: waiting keys are dropped and every `get` raises ShutDown."""
        self._closed = True
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._waiting.clear()
        self._ready.set()

    def __len__(self) -> int:
        return len(self._waiting)

    def _timer_fired(self, key: K) -> None:
        due, _ = self._timers.pop(key)
        late_s = asyncio.get_running_loop().time() - due
        if late_s > self._late_s:
            log.debug("%s comes %.1f s late: what happened meanwhile is read first", key, late_s)
            self.add_after(key, self._catching_up_s)
        else:
            self.add(key)


async def run_workers(
    queue: WorkQueue[K], reconcile: Callable[[K], Awaitable[None]], *, workers: int, name: str
) -> None:
    """Reconciles keys until the queue is shut down. A failed key is logged and comes again after a back-off."""

    async def work() -> None:
        while True:
            try:
                key = await queue.get()
            except ShutDown:
                return
            try:
                await reconcile(key)
            except Exception as error:
                log.warning("%s: %s: %s: will be tried again", name, key, _described(error))
                queue.retry(key)
            else:
                queue.forget(key)
            finally:
                queue.done(key)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())


async def run_batches(
    queue: WorkQueue[K],
    reconcile: Callable[[Sequence[K]], Awaitable[Mapping[K, Exception]]],
    *,
    limit: int,
    at_once: int,
    name: str,
) -> None:
    """As `run_workers`, with up to `limit` keys in a call, and so many calls `at_once`.

    `reconcile` tells which keys failed; when it raises, all did.
    """

    async def work() -> None:
        while True:
            try:
                keys = await queue.take(limit)
            except ShutDown:
                return
            failed: Mapping[K, Exception]
            try:
                failed = await reconcile(keys)
            except Exception as error:
                failed = dict.fromkeys(keys, error)
            for key in keys:
                if key in failed:
                    log.warning("%s: %s: %s: will be tried again", name, key, _described(failed[key]))
                    queue.retry(key)
                else:
                    queue.forget(key)
                queue.done(key)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
