"""Objects, lists and events as bytes, put together without parsing them.

Stored bytes hold no resourceVersion. Protobuf merges a message that appears twice in a field, so a second, tiny
`metadata` behind the object's bytes sets it. Field numbers are those of podlab/v1/apiserver.proto and meta.proto; the
tests hold them against the generated messages.
"""

from dataclasses import dataclass
from functools import cache, lru_cache

from podlab.api.kinds import OTHER, Kind
from podlab.api.serializer import encoded_fields
from podlab.api.serializer.wire import tag, varint
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2, object_pb2

_FIRST_FIELD = b"\x0a"
_SECOND_FIELD = b"\x12"
_THIRD_FIELD = b"\x1a"
_SECOND_FIELD_VARINT = b"\x10"
_EVENT_TYPE = b"\x08"
_RESOURCE_VERSION_TAG = 0x32

ADDED = apiserver_pb2.EVENT_TYPE_ADDED
MODIFIED = apiserver_pb2.EVENT_TYPE_MODIFIED
DELETED = apiserver_pb2.EVENT_TYPE_DELETED
_EVENT_HEADS = {kind: _EVENT_TYPE + bytes((kind,)) for kind in (ADDED, MODIFIED, DELETED)}

_metadata_of = encoded_fields.elements_reader(1)
"""Each time that an encoded object has `metadata`."""

_JSON_HEADS: dict[int, bytes] = {
    ADDED: b'{"type":"ADDED","object":',
    MODIFIED: b'{"type":"MODIFIED","object":',
    DELETED: b'{"type":"DELETED","object":',
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands before an object of one kind in a `podlab.v1.Object`: the field's tag, and before the object's length
    the head of the `Any` that it is packed into; nothing for kinds that have a field of their own."""

    tag: bytes
    head: bytes = b""


@cache
def envelope(kind: Kind) -> Envelope:
    """That of a kind."""
    own = tag(object_pb2.Object.DESCRIPTOR.fields_by_name[kind.object_field].number)
    if kind.object_field != OTHER:
        return Envelope(own)
    url = f"type.googleapis.com/{kind.message.DESCRIPTOR.full_name}".encode()
    return Envelope(own, _FIRST_FIELD + varint(len(url)) + url + _SECOND_FIELD)


@lru_cache(maxsize=64)  # all objects of a commit have one
def revision_tail(revision: int) -> bytes:
    """What sets metadata.resourceVersion when it is appended to any object's bytes; nothing for a dry run's 0."""
    if not revision:
        return b""
    text = b"%d" % revision
    return b"\x0a" + bytes((len(text) + 2, _RESOURCE_VERSION_TAG, len(text))) + text


def with_managed(value: bytes, managed: bytes) -> bytes:
    """An object as it is stored: who manages its fields stands behind it, in a second `metadata`."""
    return value + managed if managed else value


def split_managed(stored: bytes) -> tuple[bytes, bytes]:
    """An object without its managedFields, and these, as a message that holds nothing else; empty where there are
    none."""
    found = _metadata_of(stored)
    if len(found) < 2:
        return stored, b""
    length = len(found[-1])
    at = len(stored) - length - len(varint(length)) - 1
    return stored[:at], stored[at:]


def item(around: Envelope, value: bytes, tail: bytes) -> bytes:
    """The object as an element of `ListResponse.items`; as `WatchEvent.object` it has the same bytes, and ends with
    the object's. `tail` is that of its revision."""
    tag = around.tag
    inner = varint(len(value) + len(tail))
    if around.head:
        inner = varint(len(around.head) + len(inner) + len(value) + len(tail)) + around.head + inner
    size = len(tag) + len(inner) + len(value) + len(tail)
    return b"".join((_SECOND_FIELD, varint(size), tag, inner, value, tail))


def item_response(element: bytes) -> bytes:
    """A response whose first field is an object: Create, Get, Update, UpdateStatus, Delete. From what `item` made."""
    return _FIRST_FIELD + element[1:]


def removed_mark() -> bytes:
    """`removed: true` of a DeleteResponse."""
    return _SECOND_FIELD_VARINT + b"\x01"


def deleted_object(body: bytes) -> bytes:
    """One of `DeleteCollectionResponse.deleted`, from what would be a DeleteResponse."""
    return _FIRST_FIELD + varint(len(body)) + body


def event(event_type: int, element: bytes) -> bytes:
    """One of `WatchResponse.events`, from what `item` made."""
    return b"".join((_FIRST_FIELD, varint(2 + len(element)), _EVENT_HEADS[event_type], element))  # type: ignore[index]


def json_event(event_type: int, body: bytes) -> bytes:
    """An event as a line of JSON, from its object's JSON."""
    return b"".join((_JSON_HEADS[event_type], body, b"}\n"))


def bookmark(revision: int) -> bytes:
    """A bookmark as one of `WatchResponse.events`."""
    text = b"%d" % revision
    body = _EVENT_TYPE + bytes((apiserver_pb2.EVENT_TYPE_BOOKMARK,)) + _THIRD_FIELD + varint(len(text)) + text
    return _FIRST_FIELD + varint(len(body)) + body


def list_response(elements: list[bytes], revision: int, rest: str, remaining: int | None) -> bytes:
    """A ListResponse whose items are what `item` made."""
    metadata = meta_pb2.ListMeta(resourceVersion=str(revision), remainingItemCount=remaining)
    setattr(metadata, "continue", rest)
    head = metadata.SerializeToString()
    return b"".join((_FIRST_FIELD, varint(len(head)), head, *elements))
