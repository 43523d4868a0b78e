"""Conversions between types: int(), double(), string(), bytes(), bool(), timestamp(), duration()."""

from __future__ import annotations

import math
from decimal import Decimal

from podlab.cel import times
from podlab.cel.values import EvaluationError, Instant, NoSuchOverload, Span, Uint, checked_int, checked_uint

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_SECOND = 10**9
_MOST_DIGITS = 400
_MOST_PLAIN_EXPONENT = 6


def to_int(value: object) -> int:
    """Doubles lose their fraction; a timestamp becomes seconds."""
    if isinstance(value, float):
        return checked_int(_whole(value, "integer"))
    if isinstance(value, str):
        return checked_int(_decimal(value, signed=True))
    if isinstance(value, Instant):
        return value.nanoseconds // _SECOND
    if isinstance(value, int) and not isinstance(value, bool):
        return checked_int(int(value))
    raise NoSuchOverload


def to_uint(value: object) -> Uint:
    """See to_int; no number below 0."""
    if isinstance(value, float):
        return checked_uint(_whole(value, "unsigned integer"))
    if isinstance(value, str):
        return checked_uint(_decimal(value, signed=False))
    if isinstance(value, int) and not isinstance(value, bool):
        return checked_uint(int(value))
    raise NoSuchOverload


def to_double(value: object) -> float:
    """The number nearest to it."""
    if isinstance(value, str):
        try:
            return float(value) if value == value.strip() and "_" not in value else _refuse(value, "double")
        except ValueError:
            return _refuse(value, "double")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise NoSuchOverload


def to_bool(value: object) -> bool:
    """Of strings, as Go's strconv.ParseBool."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise NoSuchOverload
    if value not in _TRUE and value not in _FALSE:
        raise EvaluationError(f'strconv.ParseBool: parsing "{value}": invalid syntax')
    return value in _TRUE


def to_bytes(value: object) -> bytes:
    """Strings in UTF-8."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise NoSuchOverload


def to_string(value: object) -> str:
    """How it is written; bytes must be UTF-8."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return format_double(value)
    if isinstance(value, bytes):
        return _decoded(value)
    if isinstance(value, Instant):
        return times.format_instant(value)
    if isinstance(value, Span):
        return times.format_span(value)
    written = getattr(type(value), "cel_string", None)
    if written is not None:
        return str(written(value))
    raise NoSuchOverload


def to_instant(value: object) -> Instant:
    """From RFC 3339, or seconds since 1970."""
    if isinstance(value, Instant):
        return value
    if isinstance(value, str):
        return times.parse_instant(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return times.instant(value * _SECOND)
    raise NoSuchOverload


def to_span(value: object) -> Span:
    """From Go's notation, or nanoseconds."""
    if isinstance(value, Span):
        return value
    if isinstance(value, str):
        return times.parse_span(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return times.span(value)
    raise NoSuchOverload


def format_double(value: float) -> str:
    """As few digits as tell it from others, with an exponent from a million on, as Go's %g."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    scale = len(digits) + exponent - 1
    if -5 < scale < _MOST_PLAIN_EXPONENT:
        return f"{Decimal((sign, digits, exponent)):f}"
    mantissa = "".join(map(str, digits))
    fraction = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    return f"{'-' if sign else ''}{mantissa[0]}{fraction}e{'-' if scale < 0 else '+'}{abs(scale):02d}"


def _whole(value: float, what: str) -> int:
    if math.isnan(value) or math.isinf(value):
        raise EvaluationError(f"{what} overflow")
    return int(value)


def _decimal(text: str, *, signed: bool) -> int:
    digits = text[1:] if signed and text[:1] in ("-", "+") else text
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _MOST_DIGITS:
        _refuse(text, "int" if signed else "uint")
    return int(text)


def _refuse(text: str, kind: str) -> int:
    call = {"int": "ParseInt", "uint": "ParseUint", "double": "ParseFloat"}[kind]
    raise EvaluationError(f'strconv.{call}: parsing "{text}": invalid syntax')


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise EvaluationError("invalid UTF-8 in bytes, cannot convert to string") from None
