"""Objects whose author manages all of them but the status: which fields these are is found out when somebody asks.

Most objects have one author, who goes on writing them as a whole. What is stored of that is who, in which way and when.
It stays true as long as others write nothing but the status, and nobody adds to what the author sends: once one of that
happens, fields are told apart. Of custom objects they are told apart from the beginning. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from master.apiserver.managedfields import message_comparison
from master.apiserver.managedfields.entries import ALL
from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.api.serializer import packing
from podlab.apply import fields_v1
from podlab.apply.comparison import Comparison
from podlab.apply.field_set import EMPTY, FieldSet
from podlab.apply.managers import Manager, Managers, none_empty
from podlab.apply.ownership import UNMANAGED
from podlab.apply.structure import Unidentified
from podlab.meta.v1.meta_pb2 import PartialObjectMetadata

_STATUS = FieldSet.of(("f:status",))
_DELETION = FieldSet.of(("f:metadata", "f:deletionTimestamp"), ("f:metadata", "f:deletionGracePeriodSeconds"))
_NOT_ITS_AUTHORS = UNMANAGED | _DELETION
_ASIDE = frozenset({"metadata", "status"})
_REMEMBERED = 512


def author(known: Managers) -> Manager | None:
    """The one who manages the whole object; None where fields have been told apart."""
    for manager, managed in known.items():
        if managed.fields is ALL:
            return manager
    return None


def fields_of(message: Message) -> FieldSet:
    """What the author of the whole object manages. Nothing where an item of a list does not tell which one it is."""
    kind = kinds.of(message)
    try:
        found = message_comparison.compare(_nothing(kind), message).written
    except Unidentified:
        return EMPTY
    return of_author(found, has_status=kind.has_status)


def has_fields(message: Message) -> bool:
    """Whether a new object has more than metadata and status: one that nobody manages is not tracked later either."""
    for name, has_presence in _beside_metadata(message.DESCRIPTOR):
        if message.HasField(name) if has_presence else getattr(message, name):
            return True
    return False


@cache
def _beside_metadata(descriptor: Descriptor) -> Sequence[tuple[str, bool]]:
    """Its fields, and whether each can be there without a value."""
    return [(field.name, field.has_presence) for field in descriptor.fields if field.name not in _ASIDE]


def of_author(found: FieldSet, *, has_status: bool) -> FieldSet:
    """Those of an object's fields that its author can have written."""
    key = id(found), has_status
    known = _OF_AUTHORS.get(key)
    if known is None or known[0] is not found:
        if len(_OF_AUTHORS) >= _REMEMBERED:
            _OF_AUTHORS.clear()
        own = found.without(_STATUS) if has_status else found
        known = _OF_AUTHORS[key] = found, own - _NOT_ITS_AUTHORS
    return known[1]


_OF_AUTHORS: dict[tuple[int, bool], tuple[FieldSet, FieldSet]] = {}
"""By what objects have: most have the same as others."""


def told_apart(known: Managers, message: Message) -> Managers:
    """With the fields that the author of the whole object manages; the message is the object as these stand for it."""
    if author(known) is None:
        return known
    told = (
        (one, managed.of(fields_of(message)) if managed.fields is ALL else managed) for one, managed in known.items()
    )
    return none_empty(told)


def is_of_status(compared: Comparison) -> bool:
    """Whether nothing else has changed: the author's fields stay theirs."""
    changed = compared.written | compared.removed
    return changed.members <= _STATUS.members and changed.children.keys() <= _STATUS.members


def writes(old: Message, new: Message) -> bool:
    """Whether the author has written a field of the new object: it is there anew, or has another value."""
    if message_comparison.differ_plainly(old, new):
        return True
    try:
        found = message_comparison.compare(old, new).written
    except Unidentified:
        return True
    return bool(of_author(found, has_status=kinds.of(new).has_status))


def shown(stored: bytes, message: Callable[[], Message]) -> bytes:
    """managedFields as clients read them, of those that are stored of an object: sets of fields in their JSON."""
    if not stored:
        return b""
    managed = PartialObjectMetadata.FromString(stored)
    entries = managed.metadata.managedFields
    for entry in [*entries]:
        if entry.HasField("fieldsV1"):
            entry.fieldsV1.Raw = packing.unpacked(entry.fieldsV1.Raw)
        elif fields := fields_of(message()):
            entry.fieldsV1.Raw = fields_v1.encode(fields)
        else:
            entries.remove(entry)
    return managed.SerializeToString()


@cache
def _nothing(kind: Kind) -> Message:
    return kind.message()
