"""Watches: the changes after a revision, in batches of ready bytes, in the encoding that the client reads.

A watcher that falls behind the window is closed with Expired. Nothing is kept for a single watcher.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from master.apiserver.watchcache import encoding
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CachedObject, CacheEvent
from master.apiserver.watchcache.listing import Shown, as_stored
from master.apiserver.watchcache.moment import Moment
from master.apiserver.watchcache.selection import ListOptions, Selection
from master.apiserver.watchcache.watch_window import WatchWindow
from podlab.api.kinds import Kind
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.errors import BadRequest, Expired
from podlab.v1 import apiserver_pb2

BOOKMARK_EVERY_S = 30.0
_BATCH_EVENTS = 500
_BATCH_BYTES = 1 << 20


Prepare = Callable[[Sequence[CachedObject]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class EventEncoding:
    """How events are encoded. Events that the client does not want are empty."""

    present: Callable[[CachedObject], bytes]
    """An object that exists when the watch begins, as ADDED."""
    event: Callable[[CacheEvent, int], bytes]
    """A change, with the type that it has for this watcher."""
    all_present: Callable[[int], bytes]
    """What follows the last existing object, as of a revision."""
    bookmark: Callable[[int], bytes]
    prepare: Prepare | None = None
    """Is awaited with objects before they are encoded, where that may take others to do."""


MESSAGES = EventEncoding(
    present=lambda entry: encoding.event(encoding.ADDED, entry.element),
    event=CacheEvent.frame,
    all_present=encoding.bookmark,
    bookmark=encoding.bookmark,
)
"""As WatchResponses."""


class Watcher:
    """Answers Watch. `run` sends bookmarks to watchers that see no events."""

    def __init__(self, cache: Cache, *, shown: Shown = as_stored, bookmark_every_s: float = BOOKMARK_EVERY_S) -> None:
        self._cache = cache
        self._shown = shown
        self._bookmark_every_s = bookmark_every_s
        self.sent: Counter[Kind] = Counter()
        """The number of events that were sent, by kind."""

    async def run(self) -> None:
        """For ever, wake idle watchers, which then look whether a bookmark is due."""
        while True:
            await asyncio.sleep(self._bookmark_every_s / 2)
            self._cache.wake_all()

    async def watch(
        self, request: apiserver_pb2.WatchRequest, moment: Moment, version: Kind | None = None
    ) -> AsyncIterator[bytes]:
        """WatchResponses without end, of custom objects in a version where one is asked for. Raises Expired when the
        start is too old, or the caller too slow."""
        since = "" if request.resource_version == "0" else request.resource_version
        wanted = ListOptions.of(request, self._cache.catalog).selection()
        encode = MESSAGES if version is None or version.message is not Custom else self._messages(version)
        async for response in self.follow(wanted, since, encode, present=not since, moment=moment):
            yield response

    def _messages(self, kind: Kind) -> EventEncoding:
        """As WatchResponses, whose objects are shown in one version."""

        async def prepare(entries: Sequence[CachedObject]) -> None:
            await self._shown(entries, kind)

        return replace(
            MESSAGES,
            present=lambda entry: encoding.event(encoding.ADDED, entry.shown_in(kind).element),
            event=lambda event, told: encoding.event(told, event.shown(told).shown_in(kind).element),
            prepare=prepare,
        )

    async def follow(
        self, wanted: Selection, since: str, encode: EventEncoding, *, present: bool, moment: Moment
    ) -> AsyncIterator[bytes]:
        """What follows the revision `since`, or now when it is empty; first what is there, when `present` is set.

        Raises BadRequest for what is no revision, and Expired as `watch` does.
        """
        await self._cache.reach(moment)
        revision = self._cache.revision
        if since and not present:
            revision = self._revision(since)
        position = self._position(wanted, revision)
        if present:
            async for batch in self._present(wanted, encode):
                yield batch
            if end := encode.all_present(revision):
                yield end
        async for batch in self._follow(wanted, position, encode):
            yield batch

    def _revision(self, text: str) -> int:
        if not text.isascii() or not text.isdecimal():
            raise BadRequest(f"resource_version: {text!r} is not one that this server gave; list again")
        revision = int(text)
        if revision > self._cache.revision:
            raise Expired(f"resource version {revision} is ahead of the server's {self._cache.revision}; list again")
        return revision

    def _position(self, wanted: Selection, revision: int) -> int:
        position = self._section(wanted).position_after(revision)
        if position is None:
            raise Expired(f"too old resource version: {revision}; list {wanted.kind.plural} again and watch from there")
        return position

    def _section(self, wanted: Selection) -> WatchWindow:
        return wanted.section(self._cache.window(wanted.kind))

    async def _present(self, wanted: Selection, encode: EventEncoding) -> AsyncIterator[bytes]:
        """The existing objects, as ADDED."""
        frames: list[bytes] = []
        size = 0
        candidates = wanted.candidates(self._section(wanted))
        if encode.prepare is not None:
            candidates = [one for one in candidates if not wanted.selects or wanted.matches(one.message())]
            await encode.prepare(candidates)
        for entry in candidates:
            if wanted.selects and not wanted.matches(entry.message()):
                continue
            frame = encode.present(entry)
            frames.append(frame)
            size += len(frame)
            if size > _BATCH_BYTES:
                yield b"".join(frames)
                frames, size = [], 0
        if frames:
            yield b"".join(frames)

    async def _follow(self, wanted: Selection, position: int, encode: EventEncoding) -> AsyncIterator[bytes]:
        section = self._section(wanted)
        with section.watched():
            async for batch in self._batches(wanted, section, position, encode):
                yield batch

    async def _batches(
        self, wanted: Selection, section: WatchWindow, position: int, encode: EventEncoding
    ) -> AsyncIterator[bytes]:
        bookmark_at = time.monotonic() + self._bookmark_every_s
        while True:
            bookmark_due = time.monotonic() >= bookmark_at
            if not bookmark_due and not section.has_news(position):
                await section.wait_for_news()
                continue
            seen_until = self._cache.revision  # before others run: no bookmark is ahead of what was looked at
            events = section.since(position, _BATCH_EVENTS, _BATCH_BYTES)
            if events is None:
                raise Expired(f"the watch of {wanted.kind.plural} fell too far behind; list again and watch from there")
            position += len(events)
            seen = [(event, told) for event in events if (told := wanted.event_type(event)) is not None]
            if encode.prepare is not None:
                await encode.prepare([event.shown(told) for event, told in seen])
            frames = [encode.event(event, told) for event, told in seen]
            if frames:
                self.sent[wanted.kind] += len(frames)
                yield b"".join(frames)
            elif not events and bookmark_due:
                bookmark_at = time.monotonic() + self._bookmark_every_s
                if bookmark := encode.bookmark(seen_until):
                    yield bookmark
