"""Some objects as they are now, and their latest changes, which all watchers share.

A watcher keeps only its position. It is too late when changes after its position have been dropped.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from master.apiserver.watchcache.cached_object import CachedObject, CacheEvent


@dataclass(frozen=True)
class WakePacing:
    """How often watchers are woken. Changes that come meanwhile go out in one message.

    `watcher_s` is the time to send a message to one watcher, and as much again for everything else.
    """

    watcher_s: float = 0.0004
    longest_gathering_s: float = 0.05
    clock: Callable[[], float] = time.monotonic


WAKE_PACING = WakePacing()


class WatchWindow:
    """Lives in the event loop. Only its KindWindow writes to it."""

    def __init__(self, complete_after: int = 0, pacing: WakePacing = WAKE_PACING) -> None:
        self._pacing = pacing
        self.entries: dict[str, CachedObject] = {}
        self.changed_at = complete_after
        """The revision of the last change."""
        self._events: list[CacheEvent] = []
        self._first = 0  # the position of self._events[0]
        self._complete_after = complete_after
        self._order: list[str] = []
        self._news = asyncio.Event()
        self._visible_until = 0  # the position up to which watchers may look
        self._woken_at = 0.0
        self._wake_timer: asyncio.TimerHandle | None = None
        self._watchers = 0

    def ordered(self, prefix: str, start_after: str = "") -> list[CachedObject]:
        """The entries whose key starts with `prefix` and sorts after `start_after`, in key order."""
        low = max(bisect_left(self._order, prefix), bisect_right(self._order, start_after))
        # Keys are ASCII where names are valid, and never hold the last code point.
        high = bisect_left(self._order, prefix + "\U0010ffff", low)
        return [self.entries[key] for key in self._order[low:high]]

    def position_after(self, revision: int) -> int | None:
        """The position of a watcher that has seen `revision`; None when it is too late."""
        if revision < self._complete_after:
            return None
        return self._first + bisect_right(self._events, revision, key=lambda event: event.revision)

    def since(self, position: int, most_events: int, most_bytes: int) -> list[CacheEvent] | None:
        """Changes from `position` on, up to about a bound. A revision is never split. None when it is too late."""
        start = position - self._first
        if start < 0:
            return None
        events = self._events
        end, size = start, 0
        while end < len(events):
            same_revision = end > start and events[end].revision == events[end - 1].revision
            if not same_revision and (end - start >= most_events or size >= most_bytes):
                break
            size += events[end].size_bytes
            end += 1
        return events[start:end]

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count one more watcher while the block runs."""
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1

    def has_news(self, position: int) -> bool:
        """Whether there is something for a watcher at the position."""
        return position < self._visible_until

    async def wait_for_news(self) -> None:
        """Wait until watchers are woken."""
        await self._news.wait()

    def wake(self) -> None:
        """Wake the watchers: at once, or a little later when they were woken just now."""
        if self._wake_timer is not None:
            return
        gathering_s = min(self._watchers * self._pacing.watcher_s, self._pacing.longest_gathering_s)
        left_s = self._woken_at + gathering_s - self._pacing.clock()
        if left_s > 0:
            self._wake_timer = asyncio.get_running_loop().call_later(left_s, self._wake_watchers)
        else:
            self._wake_watchers()

    def _wake_watchers(self) -> None:
        self._wake_timer = None
        self._visible_until = self._first + len(self._events)
        self._woken_at = self._pacing.clock()
        self._news.set()
        self._news = asyncio.Event()

    def put(self, entry: CachedObject) -> None:
        """Keep this version of the object."""
        if entry.key not in self.entries:
            insort(self._order, entry.key)
        self.entries[entry.key] = entry

    def remove(self, key: str) -> None:
        """Forget the object."""
        if self.entries.pop(key, None) is not None:
            del self._order[bisect_left(self._order, key)]

    def append(self, event: CacheEvent) -> None:
        """Add a change. Watchers see it when they are woken."""
        self._events.append(event)
        self.changed_at = event.revision

    def drop(self, count: int, revision: int) -> None:
        """Forget the oldest changes, up to the one with `revision`."""
        del self._events[:count]
        self._first += count
        self._visible_until = max(
            self._visible_until, self._first
        )  # a watcher that has not seen them must learn that it is too late
        self._complete_after = max(self._complete_after, revision)

    def drop_through(self, revision: int) -> None:
        """Forget the changes up to the revision."""
        self.drop(bisect_right(self._events, revision, key=lambda event: event.revision), revision)

    def restart(self, entries: Iterable[CachedObject], revision: int) -> None:
        """Start again with these objects. All watchers are too late."""
        self.entries = {entry.key: entry for entry in entries}
        self._order = sorted(self.entries)
        self._first += 1
        self.drop(len(self._events), revision)
        self.changed_at = revision
