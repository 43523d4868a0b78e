"""get, list and watch."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from master.apiserver.registry.registry import Registry
from master.apiserver.request import errors
from master.apiserver.request.query import Query
from master.apiserver.rest.call import WRITE_LIMIT_S, Call
from master.apiserver.rest.content import negotiation, representations, response_writer, responses, tables
from master.apiserver.rest.content.negotiation import Representation
from master.apiserver.rest.content.representations import RequestedRepresentation
from master.apiserver.rest.handlers import list_options
from master.apiserver.rest.streams import websocket_reader
from master.apiserver.rest.streams.websocket_reader import Write
from master.apiserver.watchcache import continue_token, encoding
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CachedObject, CacheEvent
from master.apiserver.watchcache.continue_token import ContinueToken
from master.apiserver.watchcache.listing import Page, PageBounds, Pager
from master.apiserver.watchcache.moment import Moment
from master.apiserver.watchcache.selection import ListOptions, Selection
from master.apiserver.watchcache.watching import EventEncoding as Lines
from master.apiserver.watchcache.watching import Watcher
from podlab.api.kinds import Kind
from podlab.errors import BadRequest, Cause, Expired, Timeout

# JSON is rendered so many at a time, then others get their turn.
_RENDERED_AT_ONCE = 100
# How long a watch lasts that does not say: as kube-apiserver's --min-request-timeout, up to twice as long.
WATCH_LIFE_S = 1800
_NO_BOUND = 1 << 62
_INITIAL_EVENTS_END = "k8s.io/initial-events-end"


@dataclass(frozen=True, slots=True)
class Reading:
    """Answers what changes nothing."""

    cache: Cache
    registry: Registry
    lister: Pager
    watches: Watcher

    async def get(self, call: Call) -> web.StreamResponse:
        """One object."""
        how = representations.asked(call)
        entry = await self.registry.get(call.stored, call.place.namespace, call.place.name, call.moment)
        return representations.one(call, entry, how, revision=entry.revision)

    async def list(self, call: Call) -> web.StreamResponse:
        """The objects that selectors take, all of them or page by page."""
        how, query = representations.asked(call, listed=True), call.query
        list_options.check(query, watch=False)
        wanted = _selection(call)
        start = await self._start(wanted, query, call.moment)
        found = await self.lister.select(
            wanted, start, PageBounds(max(0, query.number("limit") or 0), _NO_BOUND), call.moment
        )
        metadata = _list_metadata(found)
        if how.form is Representation.TABLE:
            return responses.data(await self._table(call, found, metadata, how.include))
        return representations.listed(call.of, metadata, await _rendered(found.entries, call.of, how.form), how.form)

    async def watch(self, call: Call) -> web.StreamResponse:
        """A line of JSON for each event, until the client leaves or `timeoutSeconds` have passed."""
        how = representations.asked(call, streamed=True)
        query, wanted = call.query, _selection(call)
        list_options.check(query, watch=True)
        initial, since = list_options.initial_events(query), list_options.revision(query)
        present = not since if initial is None else initial
        form = _lines(call, how, ends=bool(initial))
        life_s = query.number("timeoutSeconds") or random.uniform(WATCH_LIFE_S, 2 * WATCH_LIFE_S)  # noqa: S311
        tell = partial(
            _followed, call, self.watches.follow(wanted, since, form, present=present, moment=call.moment), life_s
        )
        if websocket_reader.is_asked(call):
            return await websocket_reader.watched(call, tell)
        response = web.StreamResponse(headers={"Content-Type": negotiation.JSON, "Cache-Control": "no-cache"})
        response.headers[response_writer.AUDIT_ID] = response_writer.audit_id(call.request)
        response.enable_chunked_encoding()
        await response.prepare(call.request)
        await tell(response.write)
        await response.write_eof()
        return response

    async def _start(self, wanted: Selection, query: Query, moment: Moment) -> ContinueToken | None:
        """Where the list begins; None: with what is there now."""
        token, revision = query.text("continue"), query.text("resourceVersion")
        if token:
            if revision not in ("", "0"):
                raise BadRequest("specifying resource version is not allowed when using continue")
            return continue_token.parse(token, wanted.prefix)
        if not (least := list_options.revision(query)):
            return None
        await self.cache.reach(moment)
        exact = query.text("resourceVersionMatch") == list_options.EXACT
        return self._at_least(int(least), wanted, exact=exact)

    def _at_least(self, revision: int, wanted: Selection, *, exact: bool) -> ContinueToken | None:
        if revision > self.cache.revision:
            message = f"Too large resource version: {revision}, current: {self.cache.revision}"
            cause = Cause("", "ResourceVersionTooLarge", "Too large resource version")
            raise Timeout(message, causes=[cause], retry_after_s=1)
        return ContinueToken(revision, wanted.prefix) if exact else None

    async def _table(self, call: Call, found: Page, metadata: dict[str, Any], include: str) -> dict[str, Any]:
        whole = tables.table(call.of, call.resource, (), metadata, include)
        for first in range(0, len(found.entries), _RENDERED_AT_ONCE):
            part = found.entries[first : first + _RENDERED_AT_ONCE]
            whole["rows"] += tables.table(call.of, call.resource, part, metadata, include, headed=False)["rows"]
            await asyncio.sleep(0)
        return whole


def _selection(call: Call) -> Selection:
    query = call.query
    fields = call.field_selector()
    if call.place.name:  # a path that watches one object
        fields = f"{fields},metadata.name={call.place.name}"
    return ListOptions(call.resource, call.place.namespace, query.text("labelSelector"), fields).selection()


def _list_metadata(found: Page) -> dict[str, Any]:
    metadata: dict[str, Any] = {"resourceVersion": str(found.revision)}
    if found.rest:
        metadata["continue"] = found.rest
    if found.remaining is not None:
        metadata["remainingItemCount"] = found.remaining
    return metadata


async def _rendered(entries: list[CachedObject], kind: Kind, form: Representation) -> list[bytes]:
    rendered: list[bytes] = []
    for index, entry in enumerate(entries):
        is_ready = form is Representation.OBJECT and entry.is_rendered
        if index % _RENDERED_AT_ONCE == _RENDERED_AT_ONCE - 1 and not is_ready:
            await asyncio.sleep(0)
        rendered.append(representations.bytes_of(kind, entry, form))
    return rendered


def _lines(call: Call, how: RequestedRepresentation, *, ends: bool) -> Lines:
    """Events as lines of JSON. `ends` says whether a bookmark tells that all that was there has been sent."""
    bookmarks = call.query.flag("allowWatchBookmarks")
    kind = call.of

    def bookmark(revision: int, annotations: dict[str, str] | None = None) -> bytes:
        metadata: dict[str, Any] = {"resourceVersion": str(revision), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        shown: dict[str, Any] = {"kind": kind.name, "apiVersion": kind.api_version, "metadata": metadata}
        if how.form is Representation.METADATA:
            shown |= {"kind": how.form.value, "apiVersion": tables.META_VERSION}
        if how.form is Representation.TABLE:
            told = {"resourceVersion": str(revision)}
            shown = tables.table(kind, call.resource, (), told, tables.NONE, headed=False)
        return orjson.dumps({"type": "BOOKMARK", "object": shown}) + b"\n"

    present, event = _LINES[how.form](call, how)
    return Lines(
        present=present,
        event=event,
        all_present=lambda revision: bookmark(revision, {_INITIAL_EVENTS_END: "true"}) if ends else b"",
        bookmark=lambda revision: bookmark(revision) if bookmarks else b"",
    )


def _object_lines(call: Call, _: RequestedRepresentation) -> Any:
    """Each event with its object; that of the stored version is written once for all watchers."""
    kind = call.of

    def line(event: CacheEvent, event_type: int) -> bytes:
        return encoding.json_event(event_type, event.shown(event_type).json_as(kind))

    return (
        lambda entry: encoding.json_event(encoding.ADDED, entry.json_as(kind)),
        line if kind is not call.resource.kind else CacheEvent.line,
    )


def _metadata_lines(call: Call, how: RequestedRepresentation) -> Any:
    """Each event with its object's metadata."""

    def line(entry: CachedObject, event_type: int) -> bytes:
        return encoding.json_event(event_type, representations.bytes_of(call.of, entry, how.form))

    return (
        lambda entry: line(entry, encoding.ADDED),
        lambda event, event_type: line(event.shown(event_type), event_type),
    )


def _table_lines(call: Call, how: RequestedRepresentation) -> Any:
    """Each event as a table of one row, the first of them with the columns."""
    headed = True

    def line(entry: CachedObject, event_type: int) -> bytes:
        nonlocal headed
        metadata = {"resourceVersion": str(entry.revision)}
        shown = tables.table(call.of, call.resource, [entry], metadata, how.include, headed=headed)
        headed = False
        return encoding.json_event(event_type, orjson.dumps(shown))

    return (
        lambda entry: line(entry, encoding.ADDED),
        lambda event, event_type: line(event.shown(event_type), event_type),
    )


_LINES: Mapping[Representation, Callable[[Call, RequestedRepresentation], Any]] = {
    Representation.OBJECT: _object_lines,
    Representation.METADATA: _metadata_lines,
    Representation.TABLE: _table_lines,
}


async def _followed(call: Call, lines: AsyncIterator[bytes], life_s: float, write: Write) -> None:
    try:
        async with asyncio.timeout(life_s):
            await _pass_on(lines, write)
    except TimeoutError:
        pass  # the watch has lasted as long as it was to
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception as error:
        told = responses.failure_status(errors.api_error(error, call))
        await write(orjson.dumps({"type": "ERROR", "object": told}) + b"\n")


async def _pass_on(lines: AsyncIterator[bytes], write: Write) -> None:
    async for batch in lines:
        if not batch:
            continue
        try:
            async with asyncio.timeout(WRITE_LIMIT_S):
                await write(batch)
        except TimeoutError as error:
            raise Expired(f"the watcher took nothing for {WRITE_LIMIT_S:.0f} s; list again") from error
