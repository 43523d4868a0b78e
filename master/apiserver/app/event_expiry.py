"""Removes Events that were last seen more than EVENT_LIFE_S seconds ago, which is an hour as in Kubernetes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CachedObject
from master.store.contract import Delete
from master.store.errors import Closed, Mismatch, StoreError
from podlab.api import kinds
from podlab.api.values import times
from podlab.core.v1 import event_pb2
from podlab.core.v1.event_pb2 import Event
from podlab.meta.v1 import meta_pb2

EVENT_LIFE_S = 3600
EVERY_S = 60.0
_AT_ONCE = 200

log = logging.getLogger(__name__)


class EventExpiry:
    """`run` runs until the store is closed."""

    def __init__(self, cache: Cache, clock: Callable[[], meta_pb2.Time] = times.now) -> None:
        self._cache = cache
        self._clock = clock

    async def run(self) -> None:
        """Call `expire` every EVERY_S seconds until the store is closed."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.expire()
            except Closed:
                return
            except StoreError as error:
                log.warning("cannot expire events: %s; again in %.0f s", error, EVERY_S)

    async def expire(self) -> int:
        """Remove the Events that are too old; returns how many were removed. Raises StoreError."""
        events = self._cache.window(kinds.of(Event))
        oldest = self._clock().seconds - EVENT_LIFE_S
        removed = 0
        entries = list(events.entries.values())
        at_once = min(_AT_ONCE, self._cache.store.limits.operations)
        for start in range(0, len(entries), at_once):
            old = [entry for entry in entries[start : start + at_once] if _last_seen_s(entry) < oldest]
            removed += await self._remove(old)
            await asyncio.sleep(0)
        return removed

    async def _remove(self, old: list[CachedObject]) -> int:
        """Remove them in one commit; one by one when an Event of them was written meanwhile. Returns how many."""
        if not old:
            return 0
        try:
            await self._cache.store.commit([Delete(entry.key, entry.revision) for entry in old])
            return len(old)
        except Mismatch:
            if len(old) == 1:
                return 0
        return sum([await self._remove([entry]) for entry in old])


def _last_seen_s(entry: CachedObject) -> int:
    event = entry.message_as(event_pb2.Event)
    return max(
        event.lastTimestamp.seconds,
        event.eventTime.seconds,
        event.series.lastObservedTime.seconds,
        event.metadata.creationTimestamp.seconds,
    )
