"""The shape of a custom kind's objects, read off their schema: what merges and ownership need to know of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from podlab.meta.v1 import meta_pb2
from podlab.schemas.schema import Schema
from podlab.shapes import messages
from podlab.shapes.shape import Field, List, ListType, Map, Scalar, ScalarType, Shape, Struct

_SCALARS: Final[Mapping[str, ScalarType]] = {
    "string": ScalarType.STRING,
    "boolean": ScalarType.BOOLEAN,
    "integer": ScalarType.INT64,
    "number": ScalarType.DOUBLE,
}
_ANY: Final = Scalar(ScalarType.ANY)
_WHOLE: Final = Struct("", {}, is_atomic=True, is_open=True)


def shape_of(schema: Schema) -> Struct:
    """The shape of an object of the API that has the schema: its metadata are those of all objects."""
    fields = {**_fields(schema), **_object_fields()}
    return Struct("", fields, schema.map_type == "atomic", schema.preserves_unknown)


def _object_fields() -> dict[str, Field]:
    text = Field(Scalar(ScalarType.STRING))
    return {"apiVersion": text, "kind": text, "metadata": Field(messages.shape_of(meta_pb2.ObjectMeta))}


def _fields(schema: Schema) -> dict[str, Field]:
    required = frozenset(schema.validation.required) if schema.validation is not None else frozenset[str]()
    return {
        name: Field(_shape(one), required=name in required, default=one.default)
        for name, one in schema.properties.items()
    }


def _shape(schema: Schema) -> Shape:
    if schema.embedded:
        return shape_of(schema)
    if schema.type == "object":
        return _object(schema)
    if schema.type == "array":
        item = _ANY if schema.items is None else _shape(schema.items)
        return List(item, ListType(schema.list_type or "atomic"), schema.map_keys)
    if schema.int_or_string:
        return Scalar(ScalarType.INT_OR_STRING)
    if schema.type not in _SCALARS:
        return _ANY
    enum = schema.validation.enum if schema.validation is not None else ()
    return Scalar(_SCALARS[schema.type], values=tuple(one for one in enum if isinstance(one, str)))


def _object(schema: Schema) -> Shape:
    if schema.map_type == "atomic" and not schema.properties:
        return _WHOLE
    if schema.properties or not schema.additional:
        return Struct("", _fields(schema), schema.map_type == "atomic", schema.preserves_unknown)
    return Map(_ANY if schema.values is None else _shape(schema.values))
