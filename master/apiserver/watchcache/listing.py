"""Lists, page by page, from one snapshot.

The first page comes from the cache, and later ones too as long as the kind has not changed. After a change, pages come
from the store's history, as of the first page's revision.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from master.apiserver.watchcache import continue_token, encoding
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CachedObject
from master.apiserver.watchcache.continue_token import LATEST, ContinueToken
from master.apiserver.watchcache.moment import Moment
from master.apiserver.watchcache.selection import ListOptions, Selection
from master.store.contract import Range
from master.store.errors import Compacted, FutureRevision
from podlab.api.kinds import Kind
from podlab.errors import BadRequest, Expired
from podlab.v1 import apiserver_pb2

# gRPC clients take 4 MiB a message unless told otherwise; one object is at most 1.5 MB.
PAGE_BYTES = 2 << 20
_MANAGED_OBJECTS = 500
_STORE_PAGE = 500
_LOOKED_INTO_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Page:
    """Some objects of one snapshot. `rest` is the token of the next page. `remaining` is None when it is unknown."""

    entries: list[CachedObject]
    revision: int
    rest: str = ""
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class PageBounds:
    """The bounds of one page. A `limit` of 0 means no limit."""

    limit: int
    page_bytes: int

    def reached(self, count: int, size_bytes: int, next_bytes: int) -> bool:
        """Whether a page with so many objects and bytes is full."""
        return bool((self.limit and count == self.limit) or (count and size_bytes + next_bytes > self.page_bytes))


Shown = Callable[[Sequence[CachedObject], Kind], Awaitable[list[CachedObject]]]
"""Shows objects in another version of their kind."""


async def as_stored(entries: Sequence[CachedObject], _: Kind) -> list[CachedObject]:
    """Where no kind has other versions."""
    return list(entries)


class Pager:
    """Answers List."""

    def __init__(self, cache: Cache, page_bytes: int = PAGE_BYTES, shown: Shown = as_stored) -> None:
        self._cache = cache
        self._page_bytes = page_bytes
        self._shown = shown

    async def page(self, request: apiserver_pb2.ListRequest, moment: Moment, version: Kind | None = None) -> bytes:
        """A ListResponse, of custom objects in a version where one is asked for. Raises Expired when the snapshot of
        the continue token is gone."""
        wanted, token = ListOptions.of(request, self._cache.catalog).selection(), getattr(request, "continue")
        start = continue_token.parse(token, wanted.prefix) if token else None
        with_managed = request.managed_fields
        found = await self.select(wanted, start, self._bounds(request.limit, with_managed=with_managed), moment)
        entries = found.entries if version is None else await self._shown(found.entries, version)
        elements = [entry.whole_element() if with_managed else entry.element for entry in entries]
        return encoding.list_response(elements, found.revision, found.rest, found.remaining)

    def _bounds(self, limit: int, *, with_managed: bool) -> PageBounds:
        """Objects with their managedFields are a few times as large."""
        if not with_managed or limit < 0:
            return PageBounds(limit, self._page_bytes)
        return PageBounds(min(limit or _MANAGED_OBJECTS, _MANAGED_OBJECTS), self._page_bytes // 4)

    async def select(self, wanted: Selection, start: ContinueToken | None, bounds: PageBounds, moment: Moment) -> Page:
        """The page from `start` on, or the first one of what is there now. Raises Expired, BadRequest."""
        if bounds.limit < 0:
            raise BadRequest(f"limit: {bounds.limit} is negative; leave it out for the server's own")
        await self._cache.reach(moment)
        section = wanted.section(self._cache.window(wanted.kind))
        if start is None:
            return await self._current_page(wanted, wanted.candidates(section), self._cache.revision, bounds)
        revision = self._cache.revision if start.revision == LATEST else start.revision
        if section.changed_at <= revision <= self._cache.revision:
            entries = wanted.candidates(section, start.last_key)
            return await self._current_page(wanted, entries, revision, bounds)
        return await self._old_page(wanted, start, bounds)

    async def _current_page(
        self, wanted: Selection, entries: Sequence[CachedObject], revision: int, bounds: PageBounds
    ) -> Page:
        taken: list[CachedObject] = []
        size = 0
        for index, entry in enumerate(entries):
            if bounds.reached(len(taken), size, len(entry.element)):
                rest = ContinueToken(revision, entries[index - 1].key).token()
                return Page(taken, revision, rest, None if wanted.selects else len(entries) - index)
            if wanted.selects:
                if index % _LOOKED_INTO_AT_ONCE == _LOOKED_INTO_AT_ONCE - 1:
                    await asyncio.sleep(0)  # others get their turn; `entries` stays as it was
                if not wanted.matches(entry.message()):
                    continue
            taken.append(entry)
            size += len(entry.element)
        return Page(taken, revision)

    async def _old_page(self, wanted: Selection, start: ContinueToken, bounds: PageBounds) -> Page:
        entries: list[CachedObject] = []
        size = 0
        after, more = start.last_key, True
        while more and size <= bounds.page_bytes and not (bounds.limit and len(entries) > bounds.limit):
            found = await self._range(wanted.prefix, after, start)
            for stored in found.entries:
                entry = CachedObject(wanted.kind, stored.key, stored.value, stored.mod_revision)
                if not wanted.selects or wanted.matches(entry.message()):
                    entries.append(entry)
                    size += len(entry.element)
            more = found.more
            after = found.entries[-1].key if found.entries else after
        return self._cut(entries, more, after, start.revision, bounds)

    def _cut(self, entries: list[CachedObject], more: bool, after: str, revision: int, bounds: PageBounds) -> Page:
        size = 0
        for index, entry in enumerate(entries):
            if bounds.reached(index, size, len(entry.element)):
                return Page(entries[:index], revision, ContinueToken(revision, entries[index - 1].key).token())
            size += len(entry.element)
        return Page(entries, revision, ContinueToken(revision, after).token() if more else "")

    async def _range(self, prefix: str, after: str, start: ContinueToken) -> Range:
        try:
            return await self._cache.store.range(prefix, start_after=after, limit=_STORE_PAGE, revision=start.revision)
        except (Compacted, FutureRevision) as error:
            raise _expired(prefix, start) from error


def _expired(prefix: str, start: ContinueToken) -> Expired:
    """Of a list that has begun, the rest can be had as it is now."""
    if start.last_key == prefix:
        return Expired("The resourceVersion for the provided list is too old.")
    return Expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
        "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
        "modified, or deleted between the time the first chunk was returned and now may show up in the list.",
        continue_token=ContinueToken(LATEST, start.last_key).token(),
    )
