"""managedFields as messages, as they are stored, and as ownership knows them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, Generic, TypeVar

from google.protobuf.message import DecodeError

from podlab.api.serializer import packing, wire
from podlab.apply import fields_v1, managers
from podlab.apply.field_set import FieldSet
from podlab.apply.managers import Managed, Manager, Managers, Operation
from podlab.meta.v1.meta_pb2 import ManagedFieldsEntry, ObjectMeta, PartialObjectMetadata

FIELDS_TYPE = "FieldsV1"
NOBODY: Managers = {}
ALL: Final = FieldSet(frozenset("*"), {})
"""All fields of an object but those of its status: see `whole.py`."""
# A set of a running pod takes some 3 KB while it is remembered: most of its parts are others' too.
_REMEMBERED = 1024
_METADATA_TAG = wire.tag(PartialObjectMetadata.METADATA_FIELD_NUMBER)
_ENTRY_TAG = wire.tag(ObjectMeta.MANAGEDFIELDS_FIELD_NUMBER)
_OPERATIONS = {str(one): one for one in Operation}
_EMPTY = ManagedFieldsEntry()


def stored(known: Managers) -> bytes:
    """What stands behind an object: a message that holds its managedFields alone. Nothing for no managers."""
    if not known:
        return b""
    ordered = managers.in_order(known) if len(known) > 1 else known.items()
    entries = b"".join([wire.length_delimited(_ENTRY_TAG, _entry(*one)) for one in ordered])
    written = wire.length_delimited(_METADATA_TAG, entries)
    _READ.keep(written, known)
    return written


def read(stored_form: bytes) -> Managers:
    """The managers that `stored` wrote; nobody where somebody else wrote it and it cannot be understood."""
    if not stored_form:
        return NOBODY
    known = _READ.get(stored_form)
    if known is None:
        try:
            entries = PartialObjectMetadata.FromString(stored_form).metadata.managedFields
            known = dict(_decoded(entry, ALL if not entry.HasField("fieldsV1") else None) for entry in entries)
        except (ValueError, DecodeError):
            known = NOBODY
        _READ.keep(stored_form, known)
    return known


def decoded(entries: Iterable[ManagedFieldsEntry]) -> Managers:
    """Raises ValueError for entries that do not say what they have to."""
    return dict(_decoded(entry) for entry in entries)


def is_reset(entries: Sequence[ManagedFieldsEntry]) -> bool:
    """Whether they say that nobody is to manage anything any more."""
    return len(entries) == 1 and entries[0] == _EMPTY


def differ_by_times(one: bytes, other: bytes) -> bool:
    """Whether they are the same but for the times at which managers wrote last."""
    return _without_times(one) == _without_times(other)


def _without_times(stored_form: bytes) -> list[ManagedFieldsEntry]:
    found = PartialObjectMetadata.FromString(stored_form).metadata.managedFields
    for entry in found:
        entry.ClearField("time")
    return [*found]


def _entry(manager: Manager, managed: Managed) -> bytes:
    """An encoded ManagedFieldsEntry."""
    own = ManagedFieldsEntry()
    if managed.fields is not ALL:
        own.fieldsV1.Raw = _packed(managed.fields)
    if managed.time_s is not None:
        own.time.seconds = managed.time_s
    return _head(manager, managed.api_version) + own.SerializeToString()


@lru_cache(maxsize=_REMEMBERED)
def _head(manager: Manager, api_version: str) -> bytes:
    """What most entries of a manager have in common."""
    return ManagedFieldsEntry(
        manager=manager.name,
        operation=manager.operation,
        apiVersion=api_version,
        fieldsType=FIELDS_TYPE,
        subresource=manager.subresource,
    ).SerializeToString()


def _packed(fields: FieldSet) -> bytes:
    """As it is stored; what was written a moment ago is most likely read next."""
    if not fields.stored:
        fields.stored = packing.packed(fields_v1.encode(fields))
        _SETS.keep(fields.stored, fields)
    return fields.stored


def _unpacked(raw: bytes) -> FieldSet:
    """From what is stored, or JSON. Raises ValueError."""
    known = _SETS.get(raw)
    if known is None:
        known = fields_v1.decode(packing.unpacked(raw or b"{}"))
        if packing.is_packed(raw):
            known.stored = raw
            _SETS.keep(raw, known)
    return known


T = TypeVar("T")


class _Recent(Generic[T]):
    """What bytes stand for, of those that were met last."""

    def __init__(self) -> None:
        self._known: dict[bytes, T] = {}

    def get(self, encoded: bytes) -> T | None:
        """None for what nobody met lately."""
        return self._known.get(encoded)

    def keep(self, encoded: bytes, meaning: T) -> None:
        """Remember it."""
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[encoded] = meaning


_READ: _Recent[Managers] = _Recent()
_SETS: _Recent[FieldSet] = _Recent()


def _decoded(entry: ManagedFieldsEntry, fields: FieldSet | None = None) -> tuple[Manager, Managed]:
    """Of these fields, where it does not say itself which they are."""
    operation, api_version = _OPERATIONS.get(entry.operation), entry.apiVersion
    if operation is None or not api_version:
        raise ValueError("operation must be Apply or Update, and apiVersion must not be empty")
    if entry.fieldsType != FIELDS_TYPE:
        raise ValueError(f"invalid fieldsType {entry.fieldsType!r}: expected {FIELDS_TYPE}")
    version = "" if operation is Operation.APPLY else api_version
    manager = Manager(entry.manager, operation, version, entry.subresource)
    time_s = entry.time.seconds if entry.HasField("time") else None
    return manager, Managed(fields or _unpacked(entry.fieldsV1.Raw), api_version, time_s)
