"""Events of watches, as they are sent: lines of JSON, or frames of protobuf.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from master.apiserver.rest.call import Call
from master.apiserver.rest.content import protobuf_answers, representations, responses, tables
from master.apiserver.rest.content.negotiation import PROTOBUF, Representation
from master.apiserver.rest.content.representations import RequestedRepresentation
from master.apiserver.watchcache import encoding
from master.apiserver.watchcache.cached_object import CachedObject, CacheEvent
from master.apiserver.watchcache.listing import Shown
from master.apiserver.watchcache.watching import EventEncoding, Prepare
from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.errors import ApiError
from podlab.meta.v1 import meta_pb2

_INITIAL_EVENTS_END = "k8s.io/initial-events-end"
_TYPES: Mapping[int, str] = {encoding.ADDED: "ADDED", encoding.MODIFIED: "MODIFIED", encoding.DELETED: "DELETED"}
_Encoders = tuple[Callable[[CachedObject], bytes], Callable[[CacheEvent, int], bytes]]
"""Of an object that is there when the watch begins, and of a change."""


def media_type(how: RequestedRepresentation) -> str:
    """What the answer is called."""
    return f"{PROTOBUF};stream=watch" if how.media_type == PROTOBUF else how.media_type


def failure(error: ApiError, how: RequestedRepresentation) -> bytes:
    """The event that ends a watch before its time."""
    told = responses.failure_status(error)
    if how.media_type == PROTOBUF:
        return protobuf_answers.event("ERROR", protobuf_answers.status(told))
    return orjson.dumps({"type": "ERROR", "object": told}) + b"\n"


def encoding_of(call: Call, how: RequestedRepresentation, shown: Shown, *, ends: bool) -> EventEncoding:
    """How events are written. `ends` says whether a bookmark tells that all that was there has been sent."""
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
        return _written("BOOKMARK", shown, call, how)

    present, event = _frames(call, how) if how.media_type == PROTOBUF else _LINES[how.form](call, how)
    return EventEncoding(
        present=present,
        event=event,
        all_present=lambda revision: bookmark(revision, {_INITIAL_EVENTS_END: "true"}) if ends else b"",
        bookmark=lambda revision: bookmark(revision) if bookmarks else b"",
        prepare=_prepare(call.of, shown),
    )


def _prepare(kind: Kind, shown: Shown) -> Prepare | None:
    """What has objects converted before they are encoded; None where nobody has to be asked."""
    if not _needs_webhook(kind):
        return None

    async def prepare(entries: Sequence[CachedObject]) -> None:
        await shown(entries, kind)

    return prepare


def _needs_webhook(kind: Kind) -> bool:
    return kind.conversion is not None and kind.conversion.by_webhook


def _shown(entry: CachedObject, kind: Kind) -> CachedObject:
    """In the version that is asked for: custom objects are shown by columns and schema of that."""
    return entry.shown_in(kind) if kind.message is Custom else entry


def _written(event_type: str, shown: dict[str, Any], call: Call, how: RequestedRepresentation) -> bytes:
    """An event whose object has nothing but metadata."""
    if how.media_type != PROTOBUF:
        return orjson.dumps({"type": event_type, "object": shown}) + b"\n"
    metadata = codec.part_from_dict(shown["metadata"], meta_pb2.ObjectMeta)
    body = representations.whole(call.of, call.of.message(metadata=metadata).SerializeToString(), how)
    return protobuf_answers.event(event_type, body)


def _frames(call: Call, how: RequestedRepresentation) -> _Encoders:
    """Each event with its object, or its metadata, as a frame of protobuf."""
    kind = call.of

    def frame(entry: CachedObject, event_type: int) -> bytes:
        body = representations.whole(kind, representations.bytes_of(kind, entry, how), how)
        return protobuf_answers.event(_TYPES[event_type], body)

    return (
        lambda entry: frame(entry, encoding.ADDED),
        lambda event, event_type: frame(event.shown(event_type), event_type),
    )


def _object_lines(call: Call, _: RequestedRepresentation) -> _Encoders:
    """Each event with its object; that of the stored version is written once for all watchers."""
    kind = call.of

    def line(event: CacheEvent, event_type: int) -> bytes:
        return encoding.json_event(event_type, _shown(event.shown(event_type), kind).json_as(kind))

    is_stored = kind is call.resource.kind and not _needs_webhook(kind)
    return (
        lambda entry: encoding.json_event(encoding.ADDED, _shown(entry, kind).json_as(kind)),
        CacheEvent.line if is_stored else line,
    )


def _metadata_lines(call: Call, how: RequestedRepresentation) -> _Encoders:
    """Each event with its object's metadata."""

    def line(entry: CachedObject, event_type: int) -> bytes:
        return encoding.json_event(event_type, representations.bytes_of(call.of, _shown(entry, call.of), how))

    return (
        lambda entry: line(entry, encoding.ADDED),
        lambda event, event_type: line(event.shown(event_type), event_type),
    )


def _table_lines(call: Call, how: RequestedRepresentation) -> _Encoders:
    """Each event as a table of one row, the first of them with the columns."""
    headed = True

    def line(entry: CachedObject, event_type: int) -> bytes:
        nonlocal headed
        metadata = {"resourceVersion": str(entry.revision)}
        shown = tables.table(call.of, call.resource, [_shown(entry, call.of)], metadata, how.include, headed=headed)
        headed = False
        return encoding.json_event(event_type, orjson.dumps(shown))

    return (
        lambda entry: line(entry, encoding.ADDED),
        lambda event, event_type: line(event.shown(event_type), event_type),
    )


_LINES: Mapping[Representation, Callable[[Call, RequestedRepresentation], _Encoders]] = {
    Representation.OBJECT: _object_lines,
    Representation.METADATA: _metadata_lines,
    Representation.TABLE: _table_lines,
}
