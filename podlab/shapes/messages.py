"""The shapes of protobuf messages, read off their descriptors: each once, when somebody first asks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, cast

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from podlab.api.serializer.encoding import child_type, is_alternative, is_inline, is_map
from podlab.api.values.jsonvalues import Json
from podlab.meta.v1 import options_pb2 as options
from podlab.shapes.shape import Field, List, ListType, Map, Scalar, ScalarType, Shape, Struct

SCALARS: Final[Mapping[str, ScalarType]] = {
    "podlab.meta.v1.Time": ScalarType.TIME,
    "podlab.meta.v1.MicroTime": ScalarType.MICRO_TIME,
    "podlab.meta.v1.Duration": ScalarType.DURATION,
    "podlab.meta.v1.Quantity": ScalarType.QUANTITY,
    "podlab.meta.v1.IntOrString": ScalarType.INT_OR_STRING,
    "podlab.meta.v1.RawExtension": ScalarType.ANY,
    "podlab.apiextensions.v1.JSON": ScalarType.ANY,
    "podlab.meta.v1.FieldsV1": ScalarType.ANY,
    "podlab.authentication.v1.ExtraValue": ScalarType.STRINGS,
    "podlab.authorization.v1.ExtraValue": ScalarType.STRINGS,
}
_TYPES: Final = {
    FieldDescriptor.TYPE_STRING: ScalarType.STRING,
    FieldDescriptor.TYPE_BOOL: ScalarType.BOOLEAN,
    FieldDescriptor.TYPE_INT32: ScalarType.INT32,
    FieldDescriptor.TYPE_INT64: ScalarType.INT64,
    FieldDescriptor.TYPE_UINT32: ScalarType.UINT32,
    FieldDescriptor.TYPE_BYTES: ScalarType.BYTES,
    FieldDescriptor.TYPE_DOUBLE: ScalarType.DOUBLE,
}
_LIST_TYPES: Final = {
    options.LIST_TYPE_UNSPECIFIED: ListType.ATOMIC,
    options.LIST_TYPE_ATOMIC: ListType.ATOMIC,
    options.LIST_TYPE_SET: ListType.SET,
    options.LIST_TYPE_MAP: ListType.MAP,
}
_IS_ATOMIC: Final = {
    options.MAP_TYPE_UNSPECIFIED: None,
    options.MAP_TYPE_GRANULAR: False,
    options.MAP_TYPE_ATOMIC: True,
}
Told = Mapping[int, Any]
"""What a field's options say, by their numbers: only those that are set, which is far faster than to ask for each."""

_ALWAYS = options.ALWAYS_FIELD_NUMBER
_REQUIRED, _IMMUTABLE = options.REQUIRED_FIELD_NUMBER, options.IMMUTABLE_FIELD_NUMBER
_DEFAULT, _ENUM_VALUES = options.DEFAULT_FIELD_NUMBER, options.ENUM_VALUES_FIELD_NUMBER
_LIST_TYPE, _LIST_MAP_KEYS = options.LIST_TYPE_FIELD_NUMBER, options.LIST_MAP_KEYS_FIELD_NUMBER
_PATCH_MERGE_KEY = options.PATCH_MERGE_KEY_FIELD_NUMBER
_PATCH_STRATEGY, _MAP_TYPE = options.PATCH_STRATEGY_FIELD_NUMBER, options.MAP_TYPE_FIELD_NUMBER
_known: dict[str, Struct] = {}


def shape_of(message: Message | type[Message]) -> Struct:
    """The shape of a message's type. Its members are those of the JSON: an inlined message's are its own."""
    descriptor = cast(Descriptor, message.DESCRIPTOR)
    known = _known.get(descriptor.full_name)
    if known is None:
        found = dict(_known)
        _struct(descriptor, found)
        for name, struct in found.items():  # now that they are whole; another thread may have made the same
            _known.setdefault(name, struct)
        known = _known[descriptor.full_name]
    return known


def _struct(descriptor: Descriptor, found: dict[str, Struct]) -> Struct:
    """`found` keeps those that are begun, so that types may refer to themselves."""
    name = descriptor.full_name
    if name not in found:
        fields: dict[str, Field] = {}
        is_atomic = _IS_ATOMIC[descriptor.GetOptions().Extensions[options.object_type]] or False
        found[name] = Struct(name, MappingProxyType(fields), is_atomic)
        fields.update(_fields(descriptor, found))
    return found[name]


def _fields(descriptor: Descriptor, found: dict[str, Struct]) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for field in descriptor.fields:
        if is_inline(field):
            fields |= _fields(child_type(field), found)
        else:
            fields[field.json_name] = _field(field, found)
    return fields


def _field(field: FieldDescriptor, found: dict[str, Struct]) -> Field:
    told = {option.number: value for option, value in field.GetOptions().ListFields()}
    if not told:
        return Field(_shape(field, told, found), field.full_name)
    strategies = _strategies(told)
    return Field(
        shape=_shape(field, told, found),
        declared=field.full_name,
        always=_ALWAYS in told,
        required=_REQUIRED in told,
        immutable=_IMMUTABLE in told,
        default=_default(field, told),
        retains_keys="retainKeys" in strategies,
        replaced="replace" in strategies,
        is_atomic=_IS_ATOMIC[told.get(_MAP_TYPE, options.MAP_TYPE_UNSPECIFIED)],
    )


def _strategies(told: Told) -> list[str]:
    strategies: list[str] = told.get(_PATCH_STRATEGY, "").split(",")
    return strategies


def _default(field: FieldDescriptor, told: Told) -> Json:
    text = told.get(_DEFAULT)
    return text if text is None or field.type == FieldDescriptor.TYPE_STRING else orjson.loads(text)


def _shape(field: FieldDescriptor, told: Told, found: dict[str, Struct]) -> Shape:
    if is_map(field):
        return Map(_one(child_type(field).fields_by_name["value"], (), found))
    one = _one(field, tuple(told.get(_ENUM_VALUES, ())), found)
    if not field.is_repeated:
        return one
    return List(
        item=one,
        type=_LIST_TYPES[told.get(_LIST_TYPE, options.LIST_TYPE_UNSPECIFIED)],
        keys=tuple(told.get(_LIST_MAP_KEYS, ())),
        merges="merge" in _strategies(told),
        merge_key=told.get(_PATCH_MERGE_KEY, ""),
    )


def _one(field: FieldDescriptor, values: tuple[str, ...], found: dict[str, Struct]) -> Shape:
    """The value itself, or an item of the list."""
    if field.message_type is None:
        return Scalar(_TYPES[field.type], values=values)
    name = field.message_type.full_name
    if is_alternative(field.message_type):
        return Scalar(ScalarType.ANY, name)
    return Scalar(SCALARS[name], name) if name in SCALARS else _struct(field.message_type, found)
