"""Functions of the language itself, operators included, and of its extensions for optional values and bindings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import permutations

from podlab.cel import conversions, costs, operators, times
from podlab.cel.declarations import Library, Overload, function, known, known_function
from podlab.cel.libraries.regexes import compiled
from podlab.cel.values import (
    ABSENT,
    EvaluationError,
    Instant,
    NoSuchOverload,
    OptionalValue,
    Span,
    TypeValue,
    type_name,
)

_MINUTE = 60 * 10**9


def matches(text: str, pattern: str) -> bool:
    """Whether some part of the text matches, in RE2's syntax. Raises EvaluationError."""
    return compiled(pattern).search(text) is not None


def size(value: object) -> int:
    """Characters, bytes, items or entries."""
    if isinstance(value, str | bytes | list | dict):
        return len(value)
    raise NoSuchOverload


def insert(into: dict[object, object], *entry: object) -> dict[object, object]:
    """The map with one more entry, or with those of one more map; a key that is there is refused."""
    more = {operators.map_key(entry[0]): entry[1]} if len(entry) > 1 else entry[0]
    assert isinstance(more, dict)
    for key in more:
        if key in into:
            raise EvaluationError(f"insert failed: key {key} already exists")
    into.update(more)
    return into


def _is_zero(value: object) -> bool:
    return value is None or value in ("", b"", 0, 0.0, False) or value in ([], {}, Span(0))


def _of_non_zero(value: object) -> OptionalValue:
    return ABSENT if _is_zero(value) else OptionalValue(present=True, value=value)


def _select(container: object, field: str) -> OptionalValue:
    return operators.optional_at(container, field)


def _unwrap(values: list[object]) -> list[object]:
    return [one.value for one in values if isinstance(one, OptionalValue) and one.present]


def _instant_part(name: str) -> tuple[Overload, ...]:
    read = _PARTS[name]

    def part(value: Instant, zone: str = "UTC") -> int:
        return read(times.parts(value, zone))

    return known("timestamp", part), known("timestamp", part, "string")


_PARTS: dict[str, Callable[[datetime], int]] = {
    "getFullYear": lambda at: at.year,
    "getMonth": lambda at: at.month - 1,
    "getDate": lambda at: at.day,
    "getDayOfMonth": lambda at: at.day - 1,
    "getDayOfWeek": lambda at: at.isoweekday() % 7,
    "getDayOfYear": lambda at: at.timetuple().tm_yday - 1,
    "getHours": lambda at: at.hour,
    "getMinutes": lambda at: at.minute,
    "getSeconds": lambda at: at.second,
    "getMilliseconds": lambda at: at.microsecond // 1000,
}


def _span_part(unit_ns: int) -> Overload:
    def part(value: Span) -> int:
        whole = abs(value.nanoseconds) // unit_ns
        return whole if value.nanoseconds >= 0 else -whole

    return known("duration", part)


_DURATIONS = {
    "getHours": 60 * _MINUTE,
    "getMinutes": _MINUTE,
    "getSeconds": 10**9,
}


def _milliseconds(value: Span) -> int:
    return abs(value.nanoseconds) // 10**6 % 1000


def _binary(name: str) -> tuple[Overload, ...]:
    implementation, cost = _OPERATORS[name]
    takes_all = known_function(implementation, "dyn", "dyn", cost=cost)
    return (takes_all, *(function("bool", implementation, *pair, cost=cost) for pair in _MIXED if name in _ORDER))


_ORDER = frozenset({"_<_", "_<=_", "_>_", "_>=_"})
_MIXED = tuple(permutations(("int", "uint", "double"), 2))
"""Numbers of two types, whose order the compiler has to be told of."""


_OPERATORS = {
    "_==_": (operators.equal, costs.shorter),
    "_!=_": (operators.not_equal, costs.shorter),
    "_<_": (operators.less, costs.shorter),
    "_<=_": (operators.less_or_equal, costs.shorter),
    "_>_": (operators.greater, costs.shorter),
    "_>=_": (operators.greater_or_equal, costs.shorter),
    "_+_": (operators.add, costs.both),
    "_-_": (operators.subtract, costs.nominal),
    "_*_": (operators.multiply, costs.nominal),
    "_/_": (operators.divide, costs.nominal),
    "_%_": (operators.modulo, costs.nominal),
    "@in": (operators.contains, costs.items_of_second),
    "_[_]": (operators.at, costs.nominal),
    "_[?_]": (operators.optional_at, costs.nominal),
    "_?._": (_select, costs.nominal),
}

_OPTIONAL: dict[str, tuple[Overload, ...]] = {
    "optional.of": (known_function(lambda value: OptionalValue(present=True, value=value), "dyn"),),
    "optional.ofNonZeroValue": (known_function(_of_non_zero, "dyn"),),
    "optional.none": (known_function(lambda: ABSENT),),
    "optional.unwrap": (known_function(_unwrap, "list"),),
    "unwrapOpt": (known("list", _unwrap),),
    "hasValue": (known("optional_type", lambda one: one.present),),
    "value": (known("optional_type", OptionalValue.get),),
    "or": (known("optional_type", lambda one, other: one if one.present else other, "optional_type"),),
    "orValue": (known("optional_type", lambda one, other: one.value if one.present else other, "dyn"),),
}

LIBRARY = Library(
    functions={
        **{name: _binary(name) for name in _OPERATORS},
        **{name: _instant_part(name) for name in _PARTS},
        **{name: (*_instant_part(name), _span_part(unit)) for name, unit in _DURATIONS.items()},
        "getMilliseconds": (*_instant_part("getMilliseconds"), known("duration", _milliseconds)),
        **_OPTIONAL,
        "-_": (known_function(operators.negate, "dyn"),),
        "size": (known_function(size, "dyn"), known("dyn", size)),
        "type": (known_function(lambda value: TypeValue(type_name(value)), "dyn"),),
        "dyn": (known_function(lambda value: value, "dyn"),),
        "int": (known_function(conversions.to_int, "dyn"),),
        "uint": (known_function(conversions.to_uint, "dyn"),),
        "double": (known_function(conversions.to_double, "dyn"),),
        "bool": (known_function(conversions.to_bool, "dyn"),),
        "string": (known_function(conversions.to_string, "dyn", cost=costs.first),),
        "bytes": (known_function(conversions.to_bytes, "dyn", cost=costs.first),),
        "timestamp": (known_function(conversions.to_instant, "dyn"),),
        "duration": (known_function(conversions.to_span, "dyn"),),
        "startsWith": (known("string", str.startswith, "string", cost=costs.first),),
        "endsWith": (known("string", str.endswith, "string", cost=costs.first),),
        "contains": (known("string", str.__contains__, "string", cost=costs.product),),
        "matches": (
            known("string", matches, "string", cost=costs.regex),
            known_function(matches, "string", "string", cost=costs.regex),
        ),
        "cel.@mapInsert": (
            known_function(insert, "map", "dyn", "dyn"),
            known_function(insert, "map", "map"),
        ),
    },
    types={},
)
