"""The type by which rules know a value, as its schema says it.

What preserves unknown fields and says no type is not there for rules; nor are lists and maps of such.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from podlab.cel.escaping import escape
from podlab.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    DeclaredType,
    ListOf,
    MapOf,
    ObjectOf,
)
from podlab.schemas.schema import Schema

_BY_TYPE: dict[str, DeclaredType] = {"boolean": BOOL, "integer": INT, "number": DOUBLE}
_BY_FORMAT: dict[str, DeclaredType] = {
    "byte": BYTES,
    "date": TIMESTAMP,
    "date-time": TIMESTAMP,
    "duration": DURATION,
}


def declared_type(schema: Schema, *, root: bool) -> DeclaredType | None:
    """None where rules cannot see it. `root` is true for a whole object, whose name rules may always read."""
    return _declared(schema, count(), root=root)


def _declared(schema: Schema, numbers: Iterator[int], *, root: bool) -> DeclaredType | None:
    if schema.int_or_string:
        return DYN
    match schema.type:
        case "array":
            items = _of_part(schema.items, numbers)
            return ListOf(items) if items is not None else None
        case "object" if schema.values is not None and not root:
            values = _of_part(schema.values, numbers)
            return MapOf(values) if values is not None else None
        case "object":
            return _object(schema, numbers, root=root)
        case "string":
            return _BY_FORMAT.get(format_of(schema), STRING)
    return _BY_TYPE.get(schema.type)


def _of_part(schema: Schema | None, numbers: Iterator[int]) -> DeclaredType | None:
    return _declared(schema, numbers, root=schema.embedded) if schema is not None else None


def _object(schema: Schema, numbers: Iterator[int], *, root: bool) -> ObjectOf:
    fields: dict[str, DeclaredType] = {}
    for name, part in schema.properties.items():
        written, declared = escape(name), _of_part(part, numbers)
        if written is not None and declared is not None:
            fields[written] = declared
    if root:
        named = ObjectOf(f"object{next(numbers)}", {"name": STRING, "generateName": STRING})
        fields |= {"apiVersion": STRING, "kind": STRING, "metadata": named}
    return ObjectOf(f"object{next(numbers)}", fields)


def format_of(schema: Schema) -> str:
    """The format of a string, if it is one that is checked."""
    return schema.validation.format if schema.validation is not None else ""
