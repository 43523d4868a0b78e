"""What a list or watch is asked for, and the objects that it is therefore about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from google.protobuf.message import Message

from master.apiserver.watchcache import encoding, keys
from master.apiserver.watchcache.cached_object import CachedObject, CacheEvent
from master.apiserver.watchcache.kind_window import KindWindow
from master.apiserver.watchcache.watch_window import WatchWindow
from podlab.api.kinds import Kind
from podlab.api.selection import selectors
from podlab.api.selection.selectors import FieldSelector, Selector
from podlab.errors import BadRequest
from podlab.kinds.catalog import Catalog
from podlab.kinds.resource import Resource
from podlab.v1 import apiserver_pb2

_Request = apiserver_pb2.ListRequest | apiserver_pb2.WatchRequest | apiserver_pb2.DeleteCollectionRequest


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What a reader asks for, over gRPC and REST alike. Selectors are text as it was sent."""

    resource: Resource
    namespace: str = ""
    label_selector: str = ""
    field_selector: str = ""

    @classmethod
    def of(cls, request: _Request, catalog: Catalog) -> Self:
        """What the message says. Raises NotFound for an unknown kind."""
        return cls(
            catalog.resource(catalog.named(request.group, request.kind)),
            request.namespace,
            request.label_selector,
            request.field_selector,
        )

    def selection(self) -> Selection:
        """Raises BadRequest for a malformed selector."""
        kind = self.resource.kind
        try:
            labels = selectors.parse_labels(self.label_selector) if self.label_selector else None
            fields = self.resource.field_selector(self.field_selector) if self.field_selector else None
        except ValueError as error:
            raise BadRequest(str(error)) from error
        prefix = keys.scope_prefix(kind, self.namespace)
        name = fields.required("metadata.name") if fields is not None else None
        only = prefix + name if name and bool(self.namespace) is kind.namespaced else ""
        return Selection(kind, prefix, labels, fields, only)


@dataclass(frozen=True, slots=True)
class Selection:
    """The objects that a list or watch is about: one kind, maybe one namespace, maybe only what selectors match.

    `labels` and `fields` are None when they select everything. `key` is that of the only object it can be about."""

    kind: Kind
    prefix: str
    labels: Selector | None
    fields: FieldSelector | None
    key: str = ""

    def section(self, window: KindWindow) -> WatchWindow:
        """The part of the kind's window that holds all it is about, and as little else as can be."""
        value = self.fields.required(window.divided_by) if self.fields is not None and window.divided_by else None
        return window.part(value) if value else window

    def candidates(self, section: WatchWindow, start_after: str = "") -> list[CachedObject]:
        """What may match, in key order."""
        if not self.key:
            return section.ordered(self.prefix, start_after)
        only = section.entries.get(self.key)
        return [only] if only is not None and self.key > start_after else []

    @property
    def selects(self) -> bool:
        """Whether objects must be looked into."""
        return self.labels is not None or self.fields is not None

    def matches(self, message: Message | None) -> bool:
        """Whether the selectors take the object; nothing is taken of None."""
        if message is None:
            return False
        if self.labels is not None and not self.labels.matches(message.metadata.labels):  # type: ignore[attr-defined]
            return False
        return self.fields is None or self.fields.matches(message)

    def event_type(self, event: CacheEvent) -> int | None:
        """What the event is to this: coming into it is ADDED, leaving it DELETED; None when it stays outside."""
        if not event.key.startswith(self.prefix) or (self.key and event.key != self.key):
            return None
        if not self.selects:
            return event.type()
        before, after = self.matches(event.old_message()), self.matches(event.new_message())
        if after:
            return encoding.MODIFIED if before else encoding.ADDED
        return encoding.DELETED if before else None
