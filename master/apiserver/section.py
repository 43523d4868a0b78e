"""Some objects as they are now, and their latest changes, kept once for all who watch them.

A watcher holds only its position. It is too late when the changes that follow its position have been dropped.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

from master.apiserver.entry import Entry, Event


class Section:
    """Lives in the event loop; the window that it belongs to alone writes to it."""

    def __init__(self, complete_after: int = 0) -> None:
        self.entries: dict[str, Entry] = {}
        self.changed_at = complete_after
        """The revision of the last change."""
        self._events: list[Event] = []
        self._first = 0  # the position of self._events[0]
        self._complete_after = complete_after
        self._order: list[str] = []
        self._news = asyncio.Event()

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

    async def news(self) -> None:
        """Wait for the next `wake`."""
        await self._news.wait()

    def wake(self) -> None:
        """Let those who wait for news look."""
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
