"""string.format(): %s, %d, %f, %e, %b, %x, %X, %o, as cel-go's extension writes them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from podlab.cel.conversions import to_string
from podlab.cel.values import EvaluationError, TypeValue, Uint, type_name

_CLAUSE = re.compile(r"%(?:%|(?:\.(\d{1,3}))?([a-zA-Z]?))")
_PRECISION = 6


def format_string(template: str, arguments: list[object]) -> str:
    """The template with each clause replaced by its argument. Raises EvaluationError."""
    remaining = iter(enumerate(arguments))

    def clause(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        if match[2] not in _CLAUSES:
            raise EvaluationError(
                f'could not parse formatting clause: unrecognized formatting clause "{match[2]}"'
                if match[2]
                else "could not parse formatting clause: unexpected end of string"
            )
        index, value = next(remaining, (-1, None))
        if index < 0:
            raise EvaluationError(f"index {len(arguments)} out of range")
        return _CLAUSES[match[2]](value, int(match[1]) if match[1] else _PRECISION)

    return _CLAUSE.sub(clause, template)


def _string(value: object, precision: int) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{', '.join(_string(item, precision) for item in value)}]"
    if isinstance(value, dict):
        entries = sorted(f"{_string(key, precision)}: {_string(item, precision)}" for key, item in value.items())
        return f"{{{', '.join(entries)}}}"
    if isinstance(value, TypeValue):
        return value.name
    if isinstance(value, float) and not math.isfinite(value):
        return _non_finite(value)
    return to_string(value)


def _decimal(value: object, precision: int) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return _non_finite(value)
    return str(_integer(value, "decimal"))


def _fixed(value: object, precision: int) -> str:
    number = _number(value, "fixed-point")
    return f"{number:.{precision}f}" if math.isfinite(number) else _non_finite(number)


def _scientific(value: object, precision: int) -> str:
    number = _number(value, "scientific")
    return f"{number:.{precision}e}" if math.isfinite(number) else _non_finite(number)


def _binary(value: object, precision: int) -> str:
    return str(int(value)) if isinstance(value, bool) else f"{_integer(value, 'binary'):b}"


def _octal(value: object, precision: int) -> str:
    return f"{_integer(value, 'octal'):o}"


def _hex(value: object, precision: int) -> str:
    if isinstance(value, str):
        return value.encode().hex()
    return value.hex() if isinstance(value, bytes) else f"{_integer(value, 'hexadecimal'):x}"


def _integer(value: object, clause: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise EvaluationError(
            f"error during formatting: {clause} clause can only be used on integers, was given {type_name(value)}"
        )
    return int(value)


def _number(value: object, clause: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Uint):
        raise EvaluationError(
            f"error during formatting: {clause} clause can only be used on doubles, was given {type_name(value)}"
        )
    return float(value)


def _non_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


_CLAUSES: dict[str, Callable[[object, int], str]] = {
    "s": _string,
    "d": _decimal,
    "f": _fixed,
    "e": _scientific,
    "b": _binary,
    "o": _octal,
    "x": _hex,
    "X": lambda value, precision: _hex(value, precision).upper(),
}
