"""managedFields as messages, as they are stored, and as ownership knows them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from podlab.api.serializer import packing
from podlab.apply import fields_v1, managers
from podlab.apply.field_set import FieldSet
from podlab.apply.managers import Managed, Manager, Managers, Operation
from podlab.meta.v1.meta_pb2 import FieldsV1, ManagedFieldsEntry, ObjectMeta, PartialObjectMetadata, Time

FIELDS_TYPE = "FieldsV1"
NOBODY: Managers = {}
# A set of a running pod takes some 15 KB while it is remembered.
_REMEMBERED = 512
_OPERATIONS = {str(one): one for one in Operation}
_EMPTY = ManagedFieldsEntry()


def stored(known: Managers) -> bytes:
    """What stands behind an object: a message that holds its managedFields alone. Nothing for no managers."""
    if not known:
        return b""
    entries = [_entry(manager, managed) for manager, managed in managers.in_order(known)]
    return PartialObjectMetadata(metadata=ObjectMeta(managedFields=entries)).SerializeToString()


def read(stored_form: bytes) -> Managers:
    """The managers that `stored` wrote; nobody where somebody else wrote it and it cannot be understood."""
    try:
        return decoded(PartialObjectMetadata.FromString(stored_form).metadata.managedFields)
    except ValueError:
        return NOBODY


def decoded(entries: Iterable[ManagedFieldsEntry]) -> Managers:
    """Raises ValueError for entries that do not say what they have to."""
    return dict(map(_decoded, entries))


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


def _entry(manager: Manager, managed: Managed) -> ManagedFieldsEntry:
    return ManagedFieldsEntry(
        manager=manager.name,
        operation=manager.operation,
        apiVersion=managed.api_version,
        time=None if managed.time_s is None else Time(seconds=managed.time_s),
        fieldsType=FIELDS_TYPE,
        fieldsV1=FieldsV1(Raw=_packed(managed.fields)),
        subresource=manager.subresource,
    )


def _packed(fields: FieldSet) -> bytes:
    """As it is stored; what was written a moment ago is most likely read next."""
    if not fields.stored:
        fields.stored = packing.packed(fields_v1.encode(fields))
        _keep(fields)
    return fields.stored


def _unpacked(raw: bytes) -> FieldSet:
    """From what is stored, or JSON. Raises ValueError."""
    known = _KNOWN.get(raw)
    if known is None:
        known = fields_v1.decode(packing.unpacked(raw or b"{}"))
        if packing.is_packed(raw):
            known.stored = raw
            _keep(known)
    return known


def _keep(fields: FieldSet) -> None:
    if len(_KNOWN) >= _REMEMBERED:
        _KNOWN.clear()
    _KNOWN[fields.stored] = fields


_KNOWN: dict[bytes, FieldSet] = {}


def _decoded(entry: ManagedFieldsEntry) -> tuple[Manager, Managed]:
    operation, api_version = _OPERATIONS.get(entry.operation), entry.apiVersion
    if operation is None or not api_version:
        raise ValueError("operation must be Apply or Update, and apiVersion must not be empty")
    if entry.fieldsType != FIELDS_TYPE:
        raise ValueError(f"invalid fieldsType {entry.fieldsType!r}: expected {FIELDS_TYPE}")
    version = "" if operation is Operation.APPLY else api_version
    manager = Manager(entry.manager, operation, version, entry.subresource)
    time_s = entry.time.seconds if entry.HasField("time") else None
    return manager, Managed(_unpacked(entry.fieldsV1.Raw), api_version, time_s)
