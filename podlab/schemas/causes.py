"""What is wrong with a JSON value, in Kubernetes' words. Each function makes one cause for a field's path."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Final

from podlab.api.values.jsonvalues import Json
from podlab.errors import Cause, cut

_SHOWN_CHARS = 1 << 10
NOWHERE: Final = "<nil>"
"""How Kubernetes writes the path of what is wrong with a whole object."""


def required(field: str, detail: str = "") -> Cause:
    """A value is missing."""
    return Cause(field, "FieldValueRequired", "Required value" + (f": {detail}" if detail else ""))


def invalid(field: str, value: Json, detail: str) -> Cause:
    """The value breaks a rule."""
    return Cause(field, "FieldValueInvalid", f"Invalid value: {shown(value)}: {detail}")


def wrong_type(field: str, value: Json, detail: str) -> Cause:
    """The value is of another type or format."""
    return Cause(field, "FieldValueTypeInvalid", f"Invalid value: {shown(value)}: {detail}")


def forbidden(field: str, detail: str) -> Cause:
    """The field may not be set."""
    return Cause(field, "FieldValueForbidden", f"Forbidden: {detail}")


def unsupported(field: str, value: Json, supported: Iterable[Json]) -> Cause:
    """The value is none of those that are allowed."""
    known = ", ".join(quoted(one if isinstance(one, str) else _json(one)) for one in supported)
    return Cause(field, "FieldValueNotSupported", f"Unsupported value: {shown(value)}: supported values: {known}")


def duplicate(field: str, value: Json) -> Cause:
    """Another item is the same."""
    return Cause(field, "FieldValueDuplicate", f"Duplicate value: {shown(value)}")


def too_long(field: str, most: int) -> Cause:
    """The text has more characters, which Kubernetes calls bytes here."""
    return Cause(field, "FieldValueTooLong", f"Too long: may not be more than {most} bytes")


def too_many(field: str, count: int, most: int) -> Cause:
    """There are more items or properties."""
    items = "item" if most == 1 else "items"
    return Cause(field, "FieldValueTooMany", f"Too many: {count}: must have at most {most} {items}")


def shown(value: Json) -> str:
    """A value as a message has it: null is written as a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | None):
        return cut(_json(value), _SHOWN_CHARS)
    return number(value) if isinstance(value, int | float) else quoted("null" if value is None else value)


def quoted(text: str) -> str:
    """A text in quotes, shortened."""
    return json.dumps(cut(text, _SHOWN_CHARS), ensure_ascii=False)


def number(value: float) -> str:
    """A number as Go prints it: 1e+21, and 3 for 3.0."""
    if isinstance(value, int):
        return str(value)
    digits = repr(value)
    if not math.isfinite(value) or not (abs(value) < 1e21 and (abs(value) >= 1e-4 or value == 0)):
        return digits
    return format(value, ".0f") if value.is_integer() else format(value, f".{_decimals(digits)}f")


def _decimals(digits: str) -> int:
    """How many places stand behind the point of what `repr` writes."""
    mantissa, _, exponent = digits.partition("e")
    return max(len(mantissa.partition(".")[2]) - int(exponent or 0), 0)


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
