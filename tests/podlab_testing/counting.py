"""Counters that many increase by comparison while what stores them is broken, and what must hold afterwards.

Each increase reads a counter and puts the next number if nobody was faster. So of each counter, every number was put by
exactly one who was told so, or by one who was never told; and a watch tells all of them, in order, once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from master.store.contract import Put, Store
from master.store.errors import Mismatch, Undecided, Unreachable
from podlab_testing.waiting import until

_PAUSE_S = 0.002
_SEEN_WITHIN_S = 30.0


@dataclass
class Counting:
    """`running` counts for as long as its block runs. Afterwards `check` asserts."""

    stores: Sequence[Store]
    keys: Sequence[str] = ("/counter/a", "/counter/b", "/counter/c")
    told: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    """How many were told that they put a number, by key and number."""
    undecided: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    silent_s: float = 0.0
    """The longest time in which no commit was acknowledged by any store."""
    silent_of_one_s: float = 0.0
    """The longest time in which none was by one of them."""
    _highest: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _watched: dict[int, dict[str, list[int]]] = field(default_factory=dict)
    _revisions: dict[int, list[int]] = field(default_factory=dict)
    _answered_s: dict[int, float] = field(default_factory=dict)
    _acknowledged: Counter[int] = field(default_factory=Counter)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        start = await self.stores[0].revision()
        for key in self.keys:
            await self.stores[0].commit([Put(key, b"0", 0)])
        watching = [asyncio.create_task(self._watch(index, start)) for index in range(len(self.stores))]
        self._answered_s = {index: time.monotonic() for index in range(len(self.stores))}
        tasks = [
            asyncio.create_task(each)
            for index in range(len(self.stores))
            for key in self.keys
            for each in (self._count(index, key), self._read(index, key))
        ]
        try:
            yield
            for task in tasks:
                if task.done():
                    task.result()
            await self._stop(tasks)
            await self._all_is_seen()
        finally:
            await self._stop([*tasks, *watching])

    async def check(self) -> None:
        """Nothing that was acknowledged is lost, nothing was won twice, and watches have neither gaps nor repeats."""
        for key in self.keys:
            entry = await self.stores[0].get(key)
            assert entry is not None
            last, told = int(entry.value), self.told[key]
            assert max(told.values()) == 1, f"{key}: two were told that they put the same number"
            assert last >= max(told), f"{key}: what was acknowledged is lost"
            unclaimed = set(range(1, last + 1)) - told.keys()
            assert len(unclaimed) <= self.undecided[key], f"{key}: nobody was told, and nobody was left in doubt"
            for index in self._watched:
                seen = self._watched[index][key]
                assert seen == list(range(len(seen))), f"{key}: a gap or a repeat"
                # What nobody was told of may be committed when watches have ended already.
                assert max(told) < len(seen) <= last + 1, f"{key}: a watch ends before what was acknowledged"
        for revisions in self._revisions.values():
            assert revisions == sorted(set(revisions))

    async def until_all_go_on(self, more: int = 20) -> None:
        """Wait until each store has acknowledged so many more."""
        wanted = {index: self._acknowledged[index] + more for index in range(len(self.stores))}
        await until(
            lambda: all(self._acknowledged[index] >= count for index, count in wanted.items()),
            "every store goes on",
            within_s=_SEEN_WITHIN_S,
        )

    async def _count(self, index: int, key: str) -> None:
        store = self.stores[index]
        while True:
            await asyncio.sleep(_PAUSE_S)
            try:
                entry = await store.get(key)
                assert entry is not None
                number = int(entry.value) + 1
                await store.commit([Put(key, str(number).encode(), entry.mod_revision)])
            except Mismatch:
                continue
            except Undecided:
                self.undecided[key] += 1
                continue
            except asyncio.CancelledError:  # who is stopped while it waits is in doubt as well
                self.undecided[key] += 1
                raise
            except Unreachable:
                self.refused += 1
                continue
            self.told[key][number] += 1
            self._highest[key] = max(self._highest[key], number)
            self._acknowledged[index] += 1
            self._measure(index)

    def _measure(self, index: int) -> None:
        now_s = time.monotonic()
        self.silent_s = max(self.silent_s, now_s - max(self._answered_s.values()))
        self.silent_of_one_s = max(self.silent_of_one_s, now_s - self._answered_s[index])
        self._answered_s[index] = now_s

    async def _read(self, index: int, key: str) -> None:
        """A read is never older than what anybody was told before it began."""
        while True:
            await asyncio.sleep(_PAUSE_S)
            at_least = self._highest[key]
            with contextlib.suppress(Unreachable):
                entry = await self.stores[index].get(key)
                assert entry is not None
                assert int(entry.value) >= at_least, f"{key}: a stale read"

    async def _watch(self, index: int, start: int) -> None:
        seen = self._watched[index] = defaultdict(list)
        revisions = self._revisions[index] = []
        async for changes in self.stores[index].watch("/counter/", start):
            revisions.extend(sorted({change.revision for change in changes}))
            for change in changes:
                assert change.value is not None
                seen[change.key].append(int(change.value))

    async def _all_is_seen(self) -> None:
        last = max([entry.mod_revision for entry in (await self.stores[0].range("/counter/")).entries])
        await until(
            lambda: all(revisions[-1] >= last for revisions in self._revisions.values()),
            "every watch tells of the last commit",
            within_s=_SEEN_WITHIN_S,
        )

    async def _stop(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome
