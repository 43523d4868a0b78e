"""Operators: equality over types, order, arithmetic that does not wrap, access by key and index."""

from __future__ import annotations

import math

from podlab.cel import times
from podlab.cel.values import (
    ABSENT,
    MAX_INT,
    EvaluationError,
    Instant,
    KeyedList,
    NoSuchOverload,
    OptionalValue,
    SetList,
    Span,
    Uint,
    checked_int,
    checked_uint,
)

_COMPARABLE = (int, float, str)
_NUMBERS = (int, float, Uint)
_ORDERED = (str, bytes, bool, Instant, Span)


def equal(left: object, right: object) -> bool:
    """Numbers are equal over their types; other values of two types never are."""
    kind = type(left)
    if kind is type(right):
        if kind is list:
            return _equal_lists(left, right)
        if kind is dict:
            return _equal_maps(left, right)
        if isinstance(left, OptionalValue) and isinstance(right, OptionalValue):
            return left.present is right.present and equal(left.value, right.value)
        if not isinstance(left, list):
            return bool(left == right)
    if isinstance(left, SetList | KeyedList):
        return _equal_unordered(left, right)
    if kind in _NUMBERS and type(right) in _NUMBERS:
        return bool(left == right)
    if isinstance(left, list):
        return _equal_lists(left, right)
    return isinstance(left, dict) and _equal_maps(left, right)


def _equal_lists(left: object, right: object) -> bool:
    if not isinstance(left, list) or not isinstance(right, list):
        return False
    return len(left) == len(right) and all(map(equal, left, right))


def _equal_unordered(left: list[object], right: object) -> bool:
    if not isinstance(right, list) or len(left) != len(right):
        return False
    return all(any(equal(one, other) for other in right) for one in left)


def _equal_maps(left: object, right: object) -> bool:
    if not isinstance(left, dict) or not isinstance(right, dict) or len(left) != len(right):
        return False
    return all(key in right and equal(value, right[key]) for key, value in left.items())


def not_equal(left: object, right: object) -> bool:
    """See equal."""
    return not equal(left, right)


def compare(left: object, right: object) -> int:
    """Below 0, 0 or above 0. Raises EvaluationError where there is no order."""
    kind, other = type(left), type(right)
    if (kind in _NUMBERS and other in _NUMBERS) or (kind is other and kind in _ORDERED):
        return int(left > right) - int(left < right)  # type: ignore[operator]  # one of the types above
    raise NoSuchOverload


def less(left: object, right: object) -> bool:
    """left < right"""
    if type(left) is type(right) and type(left) in _COMPARABLE:
        return bool(left < right)  # type: ignore[operator]  # one of the types above
    return compare(left, right) < 0


def less_or_equal(left: object, right: object) -> bool:
    """left <= right"""
    if type(left) is type(right) and type(left) in _COMPARABLE:
        return bool(left <= right)  # type: ignore[operator]  # one of the types above
    return compare(left, right) <= 0


def greater(left: object, right: object) -> bool:
    """left > right"""
    return less(right, left)


def greater_or_equal(left: object, right: object) -> bool:
    """left >= right"""
    return less_or_equal(right, left)


def add(left: object, right: object) -> object:
    """Numbers, strings, bytes, lists, and times with durations."""
    if type(left) is int and type(right) is int:
        return checked_int(left + right)
    if isinstance(left, list) and isinstance(right, list):
        return _joined(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, bytes) and isinstance(right, bytes):
        return left + right
    if isinstance(left, Uint) and isinstance(right, Uint):
        return checked_uint(int(left) + int(right))
    if isinstance(left, float) and isinstance(right, float):
        return left + right
    return _add_times(left, right)


def _joined(left: list[object], right: list[object]) -> list[object]:
    if isinstance(left, SetList):
        return SetList([*left, *(item for item in right if not any(equal(item, own) for own in left))])
    if isinstance(left, KeyedList):
        merged = {left.key_of(item): item for item in left} | {left.key_of(item): item for item in right}
        return KeyedList(list(merged.values()), left.keys)
    return [*left, *right]


def _add_times(left: object, right: object) -> object:
    if isinstance(left, Span) and isinstance(right, Span):
        return times.span(left.nanoseconds + right.nanoseconds)
    if isinstance(left, Instant) and isinstance(right, Span):
        return times.instant(left.nanoseconds + right.nanoseconds)
    if isinstance(left, Span) and isinstance(right, Instant):
        return times.instant(left.nanoseconds + right.nanoseconds)
    raise NoSuchOverload


def subtract(left: object, right: object) -> object:
    """Numbers, and times with times or durations."""
    if type(left) is int and type(right) is int:
        return checked_int(left - right)
    if isinstance(left, Uint) and isinstance(right, Uint):
        return checked_uint(int(left) - int(right))
    if isinstance(left, float) and isinstance(right, float):
        return left - right
    if isinstance(left, Instant) and isinstance(right, Instant | Span):
        difference = left.nanoseconds - right.nanoseconds
        return times.span(difference) if isinstance(right, Instant) else times.instant(difference)
    if isinstance(left, Span) and isinstance(right, Span):
        return times.span(left.nanoseconds - right.nanoseconds)
    raise NoSuchOverload


def multiply(left: object, right: object) -> object:
    """Numbers of one type."""
    if type(left) is int and type(right) is int:
        return checked_int(left * right)
    if isinstance(left, Uint) and isinstance(right, Uint):
        return checked_uint(int(left) * int(right))
    if isinstance(left, float) and isinstance(right, float):
        return left * right
    raise NoSuchOverload


def divide(left: object, right: object) -> object:
    """Integers are divided towards zero."""
    if isinstance(left, float) and isinstance(right, float):
        if right:
            return left / right
        return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)
    if type(left) is not type(right) or type(left) not in (int, Uint):
        raise NoSuchOverload
    assert isinstance(left, int)
    assert isinstance(right, int)
    if right == 0:
        raise EvaluationError("division by zero")
    quotient = abs(left) // abs(right)
    if isinstance(left, Uint):
        return Uint(quotient)
    return checked_int(quotient if (left < 0) is (right < 0) else -quotient)


def modulo(left: object, right: object) -> object:
    """The remainder, with the sign of the left."""
    if type(left) is not type(right) or type(left) not in (int, Uint):
        raise NoSuchOverload
    assert isinstance(left, int)
    assert isinstance(right, int)
    if right == 0:
        raise EvaluationError("modulus by zero")
    remainder = abs(left) % abs(right)
    if isinstance(left, Uint):
        return Uint(remainder)
    return -remainder if left < 0 else remainder


def negate(value: object) -> object:
    """-value"""
    if type(value) is int:
        return checked_int(-value)
    if isinstance(value, float):
        return -value
    raise NoSuchOverload


def contains(item: object, container: object) -> bool:
    """item in container: of a list its items, of a map its keys."""
    if isinstance(container, dict):
        return map_key(item) in container
    if isinstance(container, list):
        return item in container if isinstance(item, str) else any(equal(item, one) for one in container)
    raise NoSuchOverload


def at(container: object, index: object) -> object:
    """container[index]. Raises EvaluationError when there is none."""
    if isinstance(container, OptionalValue):
        return optional_at(container, index)
    if isinstance(container, dict):
        try:
            return container[map_key(index)]
        except KeyError:
            raise EvaluationError(f"no such key: {index}") from None
    if isinstance(container, list):
        position = _position(index)
        if 0 <= position < len(container):
            return container[position]
        raise EvaluationError(f"index out of bounds: {index}")
    raise NoSuchOverload


def optional_at(container: object, index: object) -> OptionalValue:
    """container[?index]"""
    if isinstance(container, OptionalValue):
        return optional_at(container.value, index) if container.present else ABSENT
    if isinstance(container, dict):
        key = map_key(index)
        return OptionalValue(present=True, value=container[key]) if key in container else ABSENT
    if isinstance(container, list):
        position = _position(index)
        return OptionalValue(present=True, value=container[position]) if 0 <= position < len(container) else ABSENT
    raise NoSuchOverload


def map_key(index: object) -> object:
    """What a map holds an entry by: a string, integer or boolean."""
    # Python holds True and 1 for the same key: the compiler has seen to it that a literal's keys have one type.
    if isinstance(index, str | int | float):
        return index
    raise NoSuchOverload


def _position(index: object) -> int:
    if isinstance(index, float) and index.is_integer() and abs(index) <= MAX_INT:
        return int(index)
    if isinstance(index, bool) or not isinstance(index, int):
        raise EvaluationError("invalid_argument")
    return index
