"""What single values have to be, and how it is told that they are not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from podlab.api.values.jsonvalues import Json
from podlab.errors import Cause
from podlab.schemas import causes, formats, patterns
from podlab.schemas.paths import Path, written
from podlab.schemas.schema import Schema, ValueValidation

Faults = list[Callable[[str], Cause]]
"""What is wrong: each is told once it is known below which path the value stands."""

_NAMES: Final = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
_NUMERIC_FORMATS: Final = {int: "int64", float: "float64"}
_RELATIVE_ERROR = 1e-9
_MOST_EXACT = float((1 << 53) - 1)


def wrong_type(schema: Schema, value: Json) -> tuple[str, str] | None:
    """The type that is wanted and the one that is found, as messages name them; None for a value that will do."""
    types, kind = schema.types, type(value)
    format_ = schema.validation.format if schema.validation is not None else ""
    if not types and not format_:
        return None
    is_number = _NAMES[kind] in types or (kind is float and "integer" in types and _is_whole(value))
    if format_ and not isinstance(value, str | list) and not is_number:
        found = _NUMERIC_FORMATS.get(kind, "")
        if found != format_:
            return format_, found
    if format_ and isinstance(value, str | list) and not {"number", "integer"}.intersection(types):
        return None
    return None if is_number else (",".join(types), _NAMES[kind])


def check_text(faults: Faults, rules: ValueValidation, value: str, path: Path) -> None:
    """A string's length, pattern and format. Of the first two, one is told."""
    if rules.max_length is not None and len(value) > rules.max_length:
        faults.append(partial(_told_long, path, rules.max_length))
    elif rules.min_length is not None and len(value) < rules.min_length:
        _note(faults, path, value, f"should be at least {rules.min_length} chars long")
    elif rules.pattern and not patterns.found(rules.pattern, value):
        _note(faults, path, value, f"should match '{rules.pattern}'")
    if rules.format and not formats.fits(rules.format, value):
        faults.append(partial(told_type, path, rules.format, value))


def check_number(faults: Faults, rules: ValueValidation, value: float, path: Path) -> None:
    """A number's factor and bounds. For a whole number they count without what stands behind their point."""
    if rules.multiple_of is not None and not _is_multiple(value, rules.multiple_of):
        _note(faults, path, value, f"should be a multiple of {causes.number(rules.multiple_of)}")
    if rules.maximum is not None:
        most = _bound(rules.maximum, value)
        if value > most or (rules.exclusive_maximum and value == most):
            than = "less than" if rules.exclusive_maximum else "less than or equal to"
            _note(faults, path, value, f"should be {than} {causes.number(most)}")
    if rules.minimum is not None:
        least = _bound(rules.minimum, value)
        if value < least or (rules.exclusive_minimum and value == least):
            than = "greater than" if rules.exclusive_minimum else "greater than or equal to"
            _note(faults, path, value, f"should be {than} {causes.number(least)}")


def check_items(faults: Faults, rules: ValueValidation, count: int, path: Path) -> None:
    """How many items a list has."""
    if rules.min_items is not None and count < rules.min_items:
        _note(faults, path, count, f"should have at least {rules.min_items} items")
    if rules.max_items is not None and count > rules.max_items:
        faults.append(partial(_told_many, path, count, rules.max_items))


def check_properties(faults: Faults, rules: ValueValidation, count: int, path: Path) -> bool:
    """How many members an object has; with a wrong number of them they are not looked at."""
    if rules.min_properties is not None and count < rules.min_properties:
        _note(faults, path, count, f"should have at least {rules.min_properties} properties")
        return False
    if rules.max_properties is not None and count > rules.max_properties:
        faults.append(partial(_told_many, path, count, rules.max_properties))
        return False
    return True


def check_enum(faults: Faults, allowed: Sequence[Json], value: Json, path: Path) -> None:
    """One of the values that there are. Null never is."""
    is_allowed = any(_is_equal(value, one) for one in allowed) if value is not None else False
    if not is_allowed:
        faults.append(partial(_told_unsupported, path, value, allowed))


def told_type(path: Path, wanted: str, found: str, base: str) -> Cause:
    """Another type or format; `found` is a type, or the text that has another format."""
    told = f"{written(path)} in body must be of type {wanted}: {causes.quoted(found)}"
    return causes.wrong_type(_field(base, path), found, told)


def told_missing(path: Path, base: str) -> Cause:
    """A member that has to be there."""
    return causes.required(_field(base, path))


def told_forbidden(path: Path, name: str, base: str) -> Cause:
    """A member that may not be there."""
    return causes.invalid(_field(base, path), name, f"{written((path, name))} in body is a forbidden property")


def told_junctor(path: Path, what: str, base: str) -> Cause:
    """Alternatives: Kubernetes tells of them at the object, and names the field in the text."""
    return causes.invalid(base or causes.NOWHERE, "", f"{causes.quoted(written(path))} {what}")


def _told_long(path: Path, most: int, base: str) -> Cause:
    return causes.too_long(_field(base, path), most)


def _told_many(path: Path, count: int, most: int, base: str) -> Cause:
    return causes.too_many(_field(base, path), count, most)


def _told_unsupported(path: Path, value: Json, allowed: Sequence[Json], base: str) -> Cause:
    return causes.unsupported(_field(base, path), value, allowed)


def _note(faults: Faults, path: Path, value: Json, rule: str) -> None:
    faults.append(partial(_told_rule, path, value, rule))


def _told_rule(path: Path, value: Json, rule: str, base: str) -> Cause:
    return causes.invalid(_field(base, path), value, f"{written(path)} in body {rule}")


def _field(base: str, path: Path) -> str:
    text = written(path)
    return f"{base}.{text}" if base and text else base or text or causes.NOWHERE


def _is_whole(value: float) -> bool:
    """Whether the number stands for an integer, small errors of calculation apart."""
    if not -_MOST_EXACT <= value <= _MOST_EXACT:
        return False
    whole = int(value)
    return value == whole or (whole != 0 and abs(value - whole) / (abs(value) + abs(whole)) < _RELATIVE_ERROR)


def _is_multiple(value: float, factor: float) -> bool:
    if factor <= 0:
        return False
    if isinstance(value, int) and float(factor).is_integer():
        return value % int(factor) == 0
    quotient = 1 / factor * value if factor < 1 else value / factor
    return math.isfinite(quotient) and _is_whole(quotient)


def _bound(bound: float, value: float) -> float:
    return int(bound) if isinstance(value, int) else bound


def _is_equal(one: Json, other: Json) -> bool:
    """Whether two values are the same: 1 is 1.0 and not true."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_equal(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_equal, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
