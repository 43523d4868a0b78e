"""get, list and watch."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import orjson
from aiohttp import web

from master.apiserver import border, continuation, encoded, scope
from master.apiserver.cache import Cache
from master.apiserver.continuation import Continuation
from master.apiserver.entry import Entry, Event
from master.apiserver.listing import Bounds, Lister, Page
from master.apiserver.registry.registry import Registry
from master.apiserver.rest import accept, answers, delivery, tables
from master.apiserver.rest.call import WRITE_LIMIT_S, Call
from master.apiserver.rest.query import Query, invalid_option
from master.apiserver.scope import Scope
from master.apiserver.watching import Form, Watches
from podlab.api.kinds import OTHER_VERSIONS, Kind
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
    lister: Lister
    watches: Watches

    async def get(self, call: Call) -> web.StreamResponse:
        """One object."""
        form = accept.form(call.headers.get("Accept", ""))
        include = tables.included(call.query.text("includeObject"))
        entry = await self.registry.get(call.of, call.place.namespace, call.place.name)
        if form is accept.Form.TABLE:
            return answers.data(tables.table(call.of, [entry], {"resourceVersion": str(entry.revision)}, include))
        return answers.ready(entry.json_as(call.of))

    async def list(self, call: Call) -> web.StreamResponse:
        """The objects that selectors take, all of them or page by page."""
        form, query = accept.form(call.headers.get("Accept", "")), call.query
        include = tables.included(query.text("includeObject"))
        wanted = _scope(call)
        start = await self._start(wanted, query)
        found = await self.lister.select(wanted, start, Bounds(query.number("limit") or 0, _NO_BOUND))
        metadata = _list_metadata(found)
        if form is accept.Form.TABLE:
            return answers.data(await self._table(call.of, found, metadata, include))
        return answers.listed(call.of, metadata, await _rendered(found.entries, call.of))

    async def watch(self, call: Call) -> web.StreamResponse:
        """A line of JSON for each event, until the client leaves or `timeoutSeconds` have passed."""
        table = accept.form(call.headers.get("Accept", "")) is accept.Form.TABLE
        query, wanted = call.query, _scope(call)
        initial = _initial_events(query)
        since = "" if query.text("resourceVersion") == "0" else query.text("resourceVersion")
        present = not since if initial is None else initial
        form = _lines(call, table, ends=bool(initial))
        life_s = query.number("timeoutSeconds") or random.uniform(WATCH_LIFE_S, 2 * WATCH_LIFE_S)  # noqa: S311
        response = web.StreamResponse(headers={"Content-Type": accept.JSON, "Cache-Control": "no-cache"})
        response.headers[delivery.AUDIT_ID] = delivery.audit_id(call.request)
        response.enable_chunked_encoding()
        await response.prepare(call.request)
        try:
            async with asyncio.timeout(life_s):
                await _pass_on(self.watches.follow(wanted, since, form, present=present), response)
        except TimeoutError:
            pass  # the watch has lasted as long as it was to
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:
            told = answers.failure_status(border.api_error(error, call))
            await response.write(orjson.dumps({"type": "ERROR", "object": told}) + b"\n")
        await response.write_eof()
        return response

    async def _start(self, wanted: Scope, query: Query) -> Continuation | None:
        """Where the list begins; None: with what is there now."""
        token, revision = query.text("continue"), query.text("resourceVersion")
        match = query.text("resourceVersionMatch")
        if match and (not revision or token):
            why = "is forbidden with continue" if token else "is forbidden unless resourceVersion is provided"
            raise BadRequest(f"resourceVersionMatch: {match!r} {why}")
        if match not in ("", "NotOlderThan", "Exact"):
            raise invalid_option("resourceVersionMatch", match, ("Exact", "NotOlderThan"))
        if token:
            if revision not in ("", "0"):
                raise BadRequest("specifying resource version is not allowed when using continue")
            return continuation.parse(token, wanted.prefix)
        if revision in ("", "0"):
            if match == "Exact" and revision == "0":
                raise BadRequest('resourceVersionMatch: Forbidden: "Exact" is forbidden for resourceVersion "0"')
            return None
        return await self._at_least(_revision(revision), wanted, exact=match == "Exact")

    async def _at_least(self, revision: int, wanted: Scope, *, exact: bool) -> Continuation | None:
        await self.cache.catch_up()
        if revision > self.cache.revision:
            message = f"Too large resource version: {revision}, current: {self.cache.revision}"
            cause = Cause("", "ResourceVersionTooLarge", "Too large resource version")
            raise Timeout(message, causes=[cause], retry_after_s=1)
        return Continuation(revision, wanted.prefix) if exact else None

    async def _table(self, kind: Kind, found: Page, metadata: dict[str, Any], include: str) -> dict[str, Any]:
        whole = tables.table(kind, (), metadata, include)
        for first in range(0, len(found.entries), _RENDERED_AT_ONCE):
            part = found.entries[first : first + _RENDERED_AT_ONCE]
            whole["rows"] += tables.table(kind, part, metadata, include, headed=False)["rows"]
            await asyncio.sleep(0)
        return whole


def _scope(call: Call) -> Scope:
    query = call.query
    asked = SimpleNamespace(
        kind=call.of.name,
        namespace=call.place.namespace,
        label_selector=query.text("labelSelector"),
        field_selector=query.text("fieldSelector"),
    )
    return scope.parse(asked)


def _list_metadata(found: Page) -> dict[str, Any]:
    metadata: dict[str, Any] = {"resourceVersion": str(found.revision)}
    if found.rest:
        metadata["continue"] = found.rest
    if found.remaining is not None:
        metadata["remainingItemCount"] = found.remaining
    return metadata


async def _rendered(entries: list[Entry], kind: Kind) -> list[bytes]:
    rendered: list[bytes] = []
    for index, entry in enumerate(entries):
        if index % _RENDERED_AT_ONCE == _RENDERED_AT_ONCE - 1 and not entry.is_rendered:
            await asyncio.sleep(0)
        rendered.append(entry.json_as(kind))
    return rendered


def _revision(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise BadRequest(f"resourceVersion: {text!r} is not one that this server gave; list again")
    return int(text)


def _initial_events(query: Query) -> bool | None:
    """What sendInitialEvents asks for; None when it is absent. Raises BadRequest."""
    match = query.text("resourceVersionMatch")
    if "sendInitialEvents" not in query.values:
        if match:
            raise BadRequest("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
        return None
    if match != "NotOlderThan":
        raise BadRequest('sendInitialEvents requires setting resourceVersionMatch to "NotOlderThan"')
    wanted = query.flag("sendInitialEvents")
    if wanted and not query.flag("allowWatchBookmarks"):
        raise BadRequest("sendInitialEvents requires allowWatchBookmarks: its end is told by a bookmark")
    return wanted


def _lines(call: Call, table: bool, *, ends: bool) -> Form:
    """Events as lines of JSON. `ends` says whether a bookmark tells that all that was there has been sent."""
    bookmarks = call.query.flag("allowWatchBookmarks")
    kind = call.of

    def bookmark(revision: int, annotations: dict[str, str] | None = None) -> bytes:
        metadata: dict[str, Any] = {"resourceVersion": str(revision), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        shown: dict[str, Any] = {"kind": kind.name, "apiVersion": kind.api_version, "metadata": metadata}
        if table:
            shown = tables.table(kind, (), {"resourceVersion": str(revision)}, tables.NONE, headed=False)
        return orjson.dumps({"type": "BOOKMARK", "object": shown}) + b"\n"

    present, event = _table_lines(call) if table else _object_lines(kind)
    return Form(
        present=present,
        event=event,
        all_present=lambda revision: bookmark(revision, {_INITIAL_EVENTS_END: "true"}) if ends else b"",
        bookmark=lambda revision: bookmark(revision) if bookmarks else b"",
    )


def _object_lines(kind: Kind) -> Any:
    """Each event with its object; that of the stored version is written once for all watchers."""

    def line(event: Event, event_type: int) -> bytes:
        return encoded.json_event(event_type, event.shown(event_type).json_as(kind))

    return (
        lambda entry: encoded.json_event(encoded.ADDED, entry.json_as(kind)),
        line if kind in OTHER_VERSIONS else Event.line,
    )


def _table_lines(call: Call) -> Any:
    """Each event as a table of one row, the first of them with the columns."""
    include = tables.included(call.query.text("includeObject"))
    headed = True

    def line(entry: Entry, event_type: int) -> bytes:
        nonlocal headed
        shown = tables.table(call.of, [entry], {"resourceVersion": str(entry.revision)}, include, headed=headed)
        headed = False
        return encoded.json_event(event_type, orjson.dumps(shown))

    return (
        lambda entry: line(entry, encoded.ADDED),
        lambda event, event_type: line(event.shown(event_type), event_type),
    )


async def _pass_on(lines: AsyncIterator[bytes], response: web.StreamResponse) -> None:
    async for batch in lines:
        if not batch:
            continue
        try:
            async with asyncio.timeout(WRITE_LIMIT_S):
                await response.write(batch)
        except TimeoutError as error:
            raise Expired(f"the watcher took nothing for {WRITE_LIMIT_S:.0f} s; list again") from error
