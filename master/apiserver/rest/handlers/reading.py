"""get, list and watch."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from master.apiserver.registry.registry import Registry
from master.apiserver.request import errors
from master.apiserver.request.query import Query
from master.apiserver.request.write_limit import WRITE_LIMIT_S
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import representations, response_writer, responses, tables, watch_events
from master.apiserver.rest.content.negotiation import PROTOBUF, Representation
from master.apiserver.rest.content.representations import RequestedRepresentation
from master.apiserver.rest.handlers import list_options
from master.apiserver.rest.streams import websocket_reader
from master.apiserver.rest.streams.websocket_reader import Write
from master.apiserver.watchcache import continue_token
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CachedObject
from master.apiserver.watchcache.continue_token import ContinueToken
from master.apiserver.watchcache.listing import Page, PageBounds, Pager
from master.apiserver.watchcache.moment import Moment
from master.apiserver.watchcache.selection import ListOptions, Selection
from master.apiserver.watchcache.watching import Watcher
from podlab.api.kinds import Kind
from podlab.errors import BadRequest, Cause, Expired, Timeout

# JSON is rendered so many at a time, then others get their turn.
_RENDERED_AT_ONCE = 100
# How long a watch lasts that does not say: as kube-apiserver's --min-request-timeout, up to twice as long.
WATCH_LIFE_S = 1800
_NO_BOUND = 1 << 62


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
        stored = await self.registry.get(call.stored, call.place.namespace, call.place.name, call.moment)
        entry = await self.registry.conversions.one(stored, call.of)
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
        metadata, entries = _list_metadata(found), await self.registry.conversions.shown(found.entries, call.of)
        if how.form is Representation.TABLE:
            return responses.data(await _table(call, entries, metadata, how.include))
        return representations.listed(call.of, metadata, await _rendered(entries, call.of, how), how)

    async def watch(self, call: Call) -> web.StreamResponse:
        """A line of JSON or a frame of protobuf for each event, until the client leaves or `timeoutSeconds` end."""
        how = representations.asked(call, streamed=True, protobuf=not websocket_reader.is_asked(call))
        query, wanted = call.query, _selection(call)
        list_options.check(query, watch=True)
        initial, since = list_options.initial_events(query), list_options.revision(query)
        present = not since if initial is None else initial
        form = watch_events.encoding_of(call, how, self.registry.conversions.shown, ends=bool(initial))
        life_s = query.number("timeoutSeconds") or random.uniform(WATCH_LIFE_S, 2 * WATCH_LIFE_S)  # noqa: S311
        tell = partial(
            _followed, call, how, self.watches.follow(wanted, since, form, present=present, moment=call.moment), life_s
        )
        if websocket_reader.is_asked(call):
            return await websocket_reader.watched(call, tell)
        response = web.StreamResponse(
            headers={"Content-Type": watch_events.media_type(how), "Cache-Control": "no-cache"}
        )
        response.headers[response_writer.AUDIT_ID] = response_writer.audit_id(call.request)
        responses.warn(response, call.resource.warnings)
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


async def _table(call: Call, entries: list[CachedObject], metadata: dict[str, Any], include: str) -> dict[str, Any]:
    whole = tables.table(call.of, call.resource, (), metadata, include)
    for first in range(0, len(entries), _RENDERED_AT_ONCE):
        part = entries[first : first + _RENDERED_AT_ONCE]
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


async def _rendered(entries: list[CachedObject], kind: Kind, how: RequestedRepresentation) -> list[bytes]:
    rendered: list[bytes] = []
    for index, entry in enumerate(entries):
        is_ready = how.form is Representation.OBJECT and (how.media_type == PROTOBUF or entry.is_rendered)
        if index % _RENDERED_AT_ONCE == _RENDERED_AT_ONCE - 1 and not is_ready:
            await asyncio.sleep(0)
        rendered.append(representations.bytes_of(kind, entry, how))
    return rendered


async def _followed(
    call: Call, how: RequestedRepresentation, lines: AsyncIterator[bytes], life_s: float, write: Write
) -> None:
    try:
        async with asyncio.timeout(life_s):
            await _pass_on(lines, write)
    except TimeoutError:
        pass  # the watch has lasted as long as it was to
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception as error:
        await write(watch_events.failure(errors.api_error(error, call), how))


async def _pass_on(lines: AsyncIterator[bytes], write: Write) -> None:
    async for batch in lines:
        if not batch:
            continue
        try:
            async with asyncio.timeout(WRITE_LIMIT_S):
                await write(batch)
        except TimeoutError as error:
            raise Expired(f"the watcher took nothing for {WRITE_LIMIT_S:.0f} s; list again") from error
