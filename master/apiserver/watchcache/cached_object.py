"""One object as the cache holds it, and one change of it as watchers see it: bytes, parsed only when looked into."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

from google.protobuf.message import Message

from master.apiserver.managedfields import whole
from master.apiserver.watchcache import encoding, rendering
from podlab.api.conversion import versions
from podlab.api.conversion.versions import custom_in
from podlab.api.kinds import Kind
from podlab.api.objects import typed
from podlab.api.serializer import codec, encoded_fields
from podlab.apiextensions.v1.custom_pb2 import Custom

M = TypeVar("M", bound=Message)

_SHARED = 1024
_API_VERSION = encoded_fields.reader(Custom, "api_version")


class CachedObject:
    """An object's bytes at one revision, ready to stand in a list or an event. These are without managedFields, which
    `managed` holds: few ask for them, and they may be as long as the object itself."""

    __slots__ = ("_json", "_shown", "_start", "element", "key", "kind", "managed", "revision")

    def __init__(self, kind: Kind, key: str, value: bytes, revision: int) -> None:
        self.kind = kind
        self.key = key
        self.revision = revision
        own, managed = encoding.split_managed(value)
        self.managed = _shared(managed)
        tail = encoding.revision_tail(revision)
        self.element = encoding.item(encoding.envelope(kind), own, tail)
        self._start = len(self.element) - len(own) - len(tail)
        self._json: bytes | None = None
        self._shown: dict[Kind, CachedObject] | None = None

    @property
    def is_of_its_kind(self) -> bool:
        """Whether it is stored in the version in which its kind is stored now. Others need a webhook to become that."""
        conversion = self.kind.conversion
        return conversion is None or not conversion.by_webhook or self.api_version == self.kind.api_version

    @property
    def api_version(self) -> str:
        """The version that a custom object is stored in."""
        return _API_VERSION(self.encoded)

    def has_shown(self, kind: Kind) -> bool:
        """Whether `shown_in` needs nobody for that version."""
        return (self._shown is not None and kind in self._shown) or self.api_version == kind.api_version

    def shown_in(self, kind: Kind) -> CachedObject:
        """A custom object in the version that `kind` is of. Raises ConversionNeeded."""
        if kind is self.kind and self.is_of_its_kind:
            return self
        known = self._shown.get(kind) if self._shown is not None else None
        return known or self._as(kind, custom_in(typed(self.message(), Custom), kind))

    def keep_shown(self, kind: Kind, converted: Custom) -> None:
        """What a webhook made of it: for all who ask for the version that `kind` is of, as long as the object stays."""
        self._shown = self._shown or {}
        self._shown[kind] = self._as(kind, converted)

    def _as(self, kind: Kind, converted: Custom) -> CachedObject:
        converted.metadata.resourceVersion = ""
        value = encoding.with_managed(converted.SerializeToString(), self.managed)
        return CachedObject(kind, self.key, value, self.revision)

    @property
    def value(self) -> bytes:
        """As it is stored: without resourceVersion."""
        own = self.element[self._start : len(self.element) - len(encoding.revision_tail(self.revision))]
        return encoding.with_managed(own, self.managed)

    @property
    def encoded(self) -> bytes:
        """As a message is decoded from it: with resourceVersion."""
        return self.element[self._start :]

    def message(self) -> Message:
        """A fresh message with its resourceVersion, without managedFields; the caller may mutate it."""
        return self.kind.message.FromString(self.encoded)

    def whole(self) -> Message:
        """The same, with managedFields."""
        return self.kind.message.FromString(self._whole_encoded())

    def whole_element(self) -> bytes:
        """The element with managedFields."""
        tail = encoding.revision_tail(self.revision)
        own = self.element[self._start : len(self.element) - len(tail)]
        return encoding.item(encoding.envelope(self.kind), own + whole.shown(self.managed, self.message), tail)

    def _whole_encoded(self) -> bytes:
        return self.encoded + whole.shown(self.managed, self.message)

    def message_as(self, message: type[M]) -> M:
        """The same, of an object that is known to be of that type."""
        return typed(self.message(), message)

    def json(self) -> bytes:
        """As Kubernetes' JSON, rendered when it is first asked for."""
        if self._json is None:
            self._json = rendering.json(self.whole())
        return self._json

    def json_as(self, kind: Kind) -> bytes:
        """As JSON of the version that `kind` is of."""
        return self.json() if kind is self.kind else codec.to_json(versions.shown(self.whole(), kind))

    def encoded_as(self, kind: Kind) -> bytes:
        """The bytes of its message of the version that `kind` is of, with its resourceVersion."""
        if kind is self.kind:
            return self._whole_encoded()
        return versions.shown(self.whole(), kind).SerializeToString()

    @property
    def is_rendered(self) -> bool:
        """Whether `json` costs nothing."""
        return self._json is not None

    def at(self, revision: int) -> CachedObject:
        """The same object with another resourceVersion, as a deletion shows it."""
        return CachedObject(self.kind, self.key, self.value, revision)


def with_managed_fields(message: M, managed: bytes, stored: Message) -> M:
    """A copy that has managedFields as clients read them; `stored` is the object in the version that is stored."""
    copy = type(message)()
    copy.CopyFrom(message)
    copy.MergeFromString(whole.shown(managed, lambda: stored))
    return copy


@lru_cache(maxsize=_SHARED)
def _shared(managed: bytes) -> bytes:
    """One copy for objects that were made of one template in one second."""
    return managed


class CacheEvent:
    """One change. `new` is None for a deletion, `old` for a creation. Encoded once, for all watchers."""

    __slots__ = ("_deleted", "_frames", "_lines", "_new_message", "_old_message", "new", "old", "revision")

    def __init__(self, old: CachedObject | None, new: CachedObject | None, revision: int) -> None:
        self.old = old
        self.new = new
        self.revision = revision
        self._frames: dict[int, bytes] | None = None  # most events are sent to nobody, or in one of the two forms
        self._lines: dict[int, bytes] | None = None
        self._old_message: Message | None = None
        self._new_message: Message | None = None
        self._deleted: CachedObject | None = None

    @property
    def key(self) -> str:
        """Where the object stands or stood."""
        entry = self.new or self.old
        assert entry is not None
        return entry.key

    @property
    def size_bytes(self) -> int:
        """A rough figure of what keeping the event costs."""
        old, new = self.old, self.new
        return (0 if old is None else len(old.element) + len(old.managed)) + (
            0 if new is None else len(new.element) + len(new.managed)
        )

    def type(self) -> int:
        """What it is to someone who sees all objects."""
        if self.new is None:
            return encoding.DELETED
        return encoding.ADDED if self.old is None else encoding.MODIFIED

    def frame(self, event_type: int) -> bytes:
        """The event as it stands in a WatchResponse. A deletion carries the last state at this revision."""
        if self._frames is None:
            self._frames = {}
        frame = self._frames.get(event_type)
        if frame is None:
            frame = self._frames[event_type] = encoding.event(event_type, self.shown(event_type).element)
        return frame

    def line(self, event_type: int) -> bytes:
        """The event as a line of JSON, as REST sends it."""
        if self._lines is None:
            self._lines = {}
        line = self._lines.get(event_type)
        if line is None:
            line = self._lines[event_type] = encoding.json_event(event_type, self.shown(event_type).json())
        return line

    def new_message(self) -> Message | None:
        """The object now. Shared by all watchers: not to be mutated."""
        if self._new_message is None and self.new is not None:
            self._new_message = self.new.message()
        return self._new_message

    def old_message(self) -> Message | None:
        """The object before. Shared by all watchers: not to be mutated."""
        if self._old_message is None and self.old is not None:
            self._old_message = self.old.message()
        return self._old_message

    def shown(self, event_type: int) -> CachedObject:
        """The object that the event shows: a deletion the last state, at the revision that ended it."""
        if event_type == encoding.DELETED and self.old is not None:
            self._deleted = self._deleted or self.old.at(self.revision)
            return self._deleted
        assert self.new is not None
        return self.new
