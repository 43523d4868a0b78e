"""The objects of one kind, and its latest changes. Pods of each node are kept apart as well.

So the cost of a kubelet's lists and watches depends on the pods of its node, not on all pods of the cluster.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from master.apiserver.watchcache import encoding, keys
from master.apiserver.watchcache.cached_object import CachedObject, CacheEvent
from master.apiserver.watchcache.watch_window import WAKE_PACING, WakePacing, WatchWindow
from podlab.api.kinds import Kind
from podlab.api.serializer import encoded_fields
from podlab.kinds.strategy import Strategy

WINDOW_EVENTS = 5000
WINDOW_BYTES = 16 << 20


class KindWindow(WatchWindow):
    """Lives in the event loop. Only the cache writes to it."""

    def __init__(
        self,
        kind: Kind,
        *,
        kept_apart_by: str = "",
        strategy: Callable[[], Strategy] = Strategy,
        most_events: int = WINDOW_EVENTS,
        most_bytes: int = WINDOW_BYTES,
        pacing: WakePacing = WAKE_PACING,
    ) -> None:
        super().__init__(pacing=pacing)
        self.kind = kind
        self.prefix = keys.kind_prefix(kind)
        self.divided_by = kept_apart_by
        self._read_part = encoded_fields.reader(kind.message, kept_apart_by) if kept_apart_by else None
        self._strategy = strategy
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._bytes = 0
        self._followers: list[Callable[[CacheEvent], None]] = []
        self._parts: dict[str, WatchWindow] = {}
        self._part_with: dict[str, WatchWindow] = {}  # by the object's key
        self._touched: set[WatchWindow] = set()

    def part(self, value: str) -> WatchWindow:
        """The objects whose field `divided_by` has the value, and their changes."""
        part = self._parts.get(value)
        if part is None:  # nothing has had the value since our changes begin
            part = self._parts[value] = WatchWindow(self._complete_after, self._pacing)
        return part

    def stored(self, key: str, value: bytes, revision: int) -> CachedObject:
        """An object that was stored before this window was there, maybe when its kind was not yet what it is."""
        if (read := self._strategy().read_stored) is not None:
            own, managed = encoding.split_managed(value)
            value = encoding.with_managed(read(own), managed)
        return CachedObject(self.kind, key, value, revision)

    def load(self, entries: dict[str, CachedObject], revision: int) -> None:
        """Start again with these objects. All watchers are too late."""
        events = [CacheEvent(self.entries[key], None, revision) for key in self.entries.keys() - entries.keys()]
        events += [CacheEvent(self.entries.get(entry.key), entry, revision) for entry in entries.values()]
        self.restart(entries.values(), revision)
        self._bytes = 0
        divided: defaultdict[str, list[CachedObject]] = defaultdict(list)
        for event in events:
            self._notify(event)
            if event.new is not None and (value := self._part_of(event)):
                divided[value].append(event.new)
        for value in self._parts.keys() | divided.keys():
            self.part(value).restart(divided[value], revision)
        self._part_with = {entry.key: self.part(value) for value, held in divided.items() for entry in held}
        self.wake_all()

    def apply(self, key: str, value: bytes | None, revision: int) -> None:
        """Take in one change. `wake` lets the watchers see it."""
        old = self.entries.get(key)
        new = CachedObject(self.kind, key, value, revision) if value is not None else None
        event = CacheEvent(old, new, revision)
        if new is not None:
            self.put(new)
        else:
            self.remove(key)
        self.append(event)
        self._bytes += event.size_bytes
        self._notify(event)
        if self.divided_by:
            self._divide(event)
        self._trim()

    def follow(self, follower: Callable[[CacheEvent], None]) -> None:
        """Call `follower` for each object now, and for each change as it is applied."""
        for entry in self.entries.values():
            follower(CacheEvent(None, entry, entry.revision))
        self._followers.append(follower)

    def wake(self) -> None:
        """Let those look who wait for what has been applied."""
        super().wake()
        for part in self._touched:
            part.wake()
        self._touched.clear()

    def wake_all(self) -> None:
        """Let every watcher look, news or not."""
        self._touched.update(self._parts.values())
        self.wake()

    def _part_of(self, event: CacheEvent) -> str:
        """The value of the field that divides, as it is now; empty when there is none."""
        return self._read_part(event.new.encoded) if self._read_part is not None and event.new is not None else ""

    def _divide(self, event: CacheEvent) -> None:
        """Add the change to the part that the object was in, and to the one that it is in now."""
        before = self._part_with.pop(event.key, None)
        value = self._part_of(event)
        after = self.part(value) if value else None
        if before is not None and before is not after:
            before.remove(event.key)
        if after is not None and event.new is not None:
            after.put(event.new)
            self._part_with[event.key] = after
        for part in {part for part in (before, after) if part is not None}:
            part.append(event)
            self._touched.add(part)

    def _notify(self, event: CacheEvent) -> None:
        for follower in self._followers:
            follower(event)

    def _trim(self) -> None:
        """Drop old changes once the bound is well passed. This is done rarely, because it moves the rest."""
        if len(self._events) < self._most_events * 5 // 4 and self._bytes < self._most_bytes:
            return
        keep_bytes = self._most_bytes * 3 // 4
        count = max(0, len(self._events) - self._most_events)
        self._bytes -= sum(event.size_bytes for event in self._events[:count])
        while self._bytes > keep_bytes and count < len(self._events) - 1:
            self._bytes -= self._events[count].size_bytes
            count += 1
        if not count:
            return
        revision = self._events[count - 1].revision
        self.drop(count, revision)
        for part in self._parts.values():
            part.drop_through(revision)
