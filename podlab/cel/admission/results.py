"""What a mutation has made, as JSON."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from podlab.api.values.jsonvalues import Json
from podlab.cel.times import format_instant, format_span
from podlab.cel.values import EvaluationError, Instant, ObjectValue, Span, type_name


def plain(value: object) -> Json:
    """The value as JSON. Raises EvaluationError for one that JSON has no form for."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list():
            return [plain(item) for item in value]
        case dict():
            if not_texts := [key for key in value if not isinstance(key, str)]:
                key = not_texts[0]
                raise EvaluationError(f"map key {key!r} is of type {type_name(key)}, not string")
            return {key: plain(item) for key, item in value.items()}
        case bytes():
            return base64.b64encode(value).decode()
        case Instant():
            return format_instant(value)
        case Span():
            return format_span(value)
        case _:
            raise EvaluationError(f"{type_name(value)} has no form in JSON")


def misnamed(value: object) -> list[str]:
    """Of objects that are not called after the fields in which they are, what they are called and should be: below
    Object, Object.spec is that of the field spec. Maps and lists between have no names."""
    return list(_misnamed(value, value.named)) if isinstance(value, ObjectValue) else []


def _misnamed(value: object, expected: str) -> Iterator[str]:
    if isinstance(value, ObjectValue):
        if value.named != expected:
            which = "which matches field name path from root Object type"
            yield f'unexpected type name "{value.named}", expected "{expected}", {which}'
        for name, inner in value.items():
            yield from _misnamed(inner, f"{expected}.{name}")
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _misnamed(inner, expected)
