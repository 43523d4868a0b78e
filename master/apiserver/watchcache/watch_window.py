"""Some objects as they are now, and their latest changes, kept once for all who watch them.

A watcher holds only its position. It is too late when the changes that follow its position have been dropped.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from master.apiserver.watchcache.cached_object import Entry, Event


@dataclass(frozen=True)
class WakePacing:
    """How fast watchers are woken, one time after the other. What comes meanwhile goes out in one message.

    `watcher_s` is what it takes to send a message to one watcher, and as much again for everything else.
    """

    watcher_s: float = 0.0004
    longest_gathering_s: float = 0.05
    clock: Callable[[], float] = time.monotonic


WAKE_PACING = WakePacing()


class WatchWindow:
    """Lives in the event loop; the window that it belongs to alone writes to it."""

    def __init__(self, complete_after: int = 0, pacing: WakePacing = WAKE_PACING) -> None:
        self._pacing = pacing
        self.entries: dict[str, Entry] = {}
        self.changed_at = complete_after
        """The revision of the last change."""
        self._events: list[Event] = []
        self._first = 0  # the position of self._events[0]
        self._complete_after = complete_after
        self._order: list[str] = []
        self._news = asyncio.Event()
        self._told = 0  # the position up to which watchers may look
        self._told_at = 0.0
        self._telling: asyncio.TimerHandle | None = None
        self._watchers = 0

    def ordered(self, prefix: str, start_after: str = "") -> list[Entry]:
        """The entries whose key starts with `prefix` and sorts after `start_after`, in key order."""
        low = max(bisect_left(self._order, prefix), bisect_right(self._order, start_after))
        # Keys are ASCII where names are valid, and never hold the last code point.
        high = bisect_left(self._order, prefix + "\U0010ffff", low)
        return [self.entries[key] for key in self._order[low:high]]

    def position_after(self, revision: int) -> int | None:
        """Where a watcher that has seen `revision` goes on; None when it is too late."""
        if revision < self._complete_after:
            return None
        return self._first + bisect_right(self._events, revision, key=lambda event: event.revision)

    def since(self, position: int, most_events: int, most_bytes: int) -> list[Event] | None:
        """Changes from `position` on up to about a bound, never splitting a revision; None when it is too late."""
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
        """There is one watcher more for as long as the block runs."""
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1

    def tells(self, position: int) -> bool:
        """Whether a watcher at the position should look at what follows."""
        return position < self._told

    async def news(self) -> None:
        """Wait until watchers should look again."""
        await self._news.wait()

    def wake(self) -> None:
        """Let those who wait for news look: at once, or, when they did just now, once more has come together."""
        if self._telling is not None:
            return
        gathering_s = min(self._watchers * self._pacing.watcher_s, self._pacing.longest_gathering_s)
        left_s = self._told_at + gathering_s - self._pacing.clock()
        if left_s > 0:
            self._telling = asyncio.get_running_loop().call_later(left_s, self._tell_watchers)
        else:
            self._tell_watchers()

    def _tell_watchers(self) -> None:
        self._telling = None
        self._told = self._first + len(self._events)
        self._told_at = self._pacing.clock()
        self._news.set()
        self._news = asyncio.Event()

    def put(self, entry: Entry) -> None:
        """Hold this state of the object."""
        if entry.key not in self.entries:
            insort(self._order, entry.key)
        self.entries[entry.key] = entry

    def remove(self, key: str) -> None:
        """Hold the object no longer."""
        if self.entries.pop(key, None) is not None:
            del self._order[bisect_left(self._order, key)]

    def append(self, event: Event) -> None:
        """Keep a change for the watchers, who see it once they are woken."""
        self._events.append(event)
        self.changed_at = event.revision

    def drop(self, count: int, revision: int) -> None:
        """Forget the oldest changes, which `revision` is the last of."""
        del self._events[:count]
        self._first += count
        self._told = max(self._told, self._first)  # who has not seen these has to hear that they are gone
        self._complete_after = max(self._complete_after, revision)

    def drop_through(self, revision: int) -> None:
        """Forget the changes up to a revision."""
        self.drop(bisect_right(self._events, revision, key=lambda event: event.revision), revision)

    def restart(self, entries: Iterable[Entry], revision: int) -> None:
        """Hold just these objects; whoever watches is too late."""
        self.entries = {entry.key: entry for entry in entries}
        self._order = sorted(self.entries)
        self._first += 1
        self.drop(len(self._events), revision)
        self.changed_at = revision
