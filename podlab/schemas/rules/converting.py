"""Makes of a JSON value what rules work on: times of strings, doubles of numbers, escaped names, lists that are sets.

Most values need nothing of that: they are used as they are.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping

from podlab.api.values.jsonvalues import Json
from podlab.cel import times
from podlab.cel.escaping import escape
from podlab.cel.values import EvaluationError, KeyedList, SetList
from podlab.schemas.rules.declared import format_of
from podlab.schemas.schema import Schema

Converter = Callable[[Json], object]
_NAMES = ("name", "generateName")


def converter(schema: Schema, *, root: bool) -> Converter | None:
    """None where a value is used as it is. What it makes shares with the value all that is alike."""
    if schema.int_or_string:
        return None
    match schema.type:
        case "array":
            return _list(schema)
        case "object" if schema.values is not None and not root:
            return _map(schema.values)
        case "object":
            return _object(schema, root=root)
        case "string":
            return _BY_FORMAT.get(format_of(schema))
        case "number":
            return _double
    return None


def _part(schema: Schema) -> Converter | None:
    return converter(schema, root=schema.embedded)


def _double(value: Json) -> object:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _text(parse: Callable[[str], object]) -> Converter:
    """A text that is none of its format stays one: validation tells of it, and rules find a type that does not fit."""

    def convert(value: Json) -> object:
        try:
            return parse(value) if isinstance(value, str) else value
        except (EvaluationError, ValueError, binascii.Error):
            return value

    return convert


_BY_FORMAT: Mapping[str, Converter] = {
    "byte": _text(lambda text: base64.b64decode(text, validate=True)),
    "date": _text(times.parse_instant),
    "date-time": _text(times.parse_instant),
    "duration": _text(times.parse_span),
}


def _list(schema: Schema) -> Converter | None:
    item = _part(schema.items) if schema.items is not None else None
    make: Callable[[list[object]], object] | None = None
    if schema.list_type == "set":
        make = SetList
    elif schema.list_type == "map":
        make = lambda items: KeyedList(items, schema.map_keys)  # noqa: E731  # as SetList above
    if item is None and make is None:
        return None

    def convert(value: Json) -> object:
        if not isinstance(value, list):
            return value
        items = value if item is None else [_unless_null(item, one) for one in value]
        return make(items) if make is not None else items

    return convert


def _map(values: Schema) -> Converter | None:
    part = _part(values)
    if part is None:
        return None
    return lambda value: (
        {key: _unless_null(part, one) for key, one in value.items()} if isinstance(value, dict) else value
    )


def _object(schema: Schema, *, root: bool) -> Converter | None:
    parts: dict[str, tuple[str, Converter | None]] = {}
    for name, property_ in schema.properties.items():
        written, part = escape(name), _part(property_)
        if written is not None and (written != name or part is not None):
            parts[name] = (written, part)
    if root:
        parts["metadata"] = ("metadata", _metadata)
    if not parts:
        return None

    def convert(value: Json) -> object:
        if not isinstance(value, dict):
            return value
        made: dict[str, object] = dict(value)
        for name, (written, part) in parts.items():
            if name in value:
                held = made.pop(name)
                made[written] = _unless_null(part, held) if part is not None else held
        return made

    return convert


def _metadata(value: Json) -> object:
    return {name: value[name] for name in _NAMES if name in value} if isinstance(value, dict) else value


def _unless_null(convert: Converter, value: Json) -> object:
    return None if value is None else convert(value)
