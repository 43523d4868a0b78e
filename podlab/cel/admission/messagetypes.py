"""The type of an object in JSON, as its message says it: what expressions about built-in kinds are checked by.

What JSON writes in another form than the message has (times, quantities, bytes) may be of any type here.
"""

from __future__ import annotations

from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from podlab.api.serializer.encoding import is_alternative, is_inline, is_map
from podlab.cel.types import BOOL, DOUBLE, DYN, INT, STRING, DeclaredType, ListOf, MapOf, ObjectOf

_SCALARS: dict[int, DeclaredType] = {
    FieldDescriptor.TYPE_BOOL: BOOL,
    FieldDescriptor.TYPE_INT32: INT,
    FieldDescriptor.TYPE_INT64: INT,
    FieldDescriptor.TYPE_DOUBLE: DOUBLE,
    FieldDescriptor.TYPE_STRING: STRING,
}
_WRITTEN_OTHERWISE = frozenset(
    f"podlab.meta.v1.{name}"
    for name in ("Duration", "FieldsV1", "IntOrString", "MicroTime", "Quantity", "RawExtension", "Time")
)


@cache
def object_type(descriptor: Descriptor) -> ObjectOf:
    """Of a kind's message: its fields, and what it is called."""
    declared = _object(descriptor, frozenset())
    return ObjectOf(declared.name, {**declared.fields, "apiVersion": STRING, "kind": STRING})


def _object(descriptor: Descriptor, within: frozenset[str]) -> ObjectOf:
    within |= {descriptor.full_name}
    fields: dict[str, DeclaredType] = {}
    for field in descriptor.fields:
        if is_inline(field) and field.message_type is not None:
            fields |= _object(field.message_type, within).fields
        elif field.json_name.isidentifier():  # expressions about requests see names as they are, without escapes
            fields[field.json_name] = _field(field, within)
    return ObjectOf(descriptor.full_name.replace(".", "_"), fields)


def _field(field: FieldDescriptor, within: frozenset[str]) -> DeclaredType:
    if is_map(field) and field.message_type is not None:
        return MapOf(_single(field.message_type.fields_by_name["value"], within))
    single = _single(field, within)
    return ListOf(single) if field.is_repeated else single


def _single(field: FieldDescriptor, within: frozenset[str]) -> DeclaredType:
    held = field.message_type
    if held is None:
        return _SCALARS.get(field.type, DYN)
    if held.full_name in _WRITTEN_OTHERWISE or held.full_name in within or is_alternative(held):
        return DYN
    return _object(held, within)
