"""Lists: Kubernetes' isSorted, sum, min, max, indexOf, lastIndexOf; optional first and last; cel-go's sets."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from podlab.cel import costs
from podlab.cel.declarations import Library, Overload, known, known_function, method
from podlab.cel.operators import add, contains, equal, less, less_or_equal
from podlab.cel.values import ABSENT, EvaluationError, OptionalValue, Span, Uint

_COMPARABLE = ("int", "uint", "double", "bool", "string", "bytes", "duration", "timestamp")
_ZEROS: dict[str, object] = {"int": 0, "uint": Uint(0), "double": 0.0, "duration": Span(0)}


def _is_sorted(items: list[object]) -> bool:
    return all(less_or_equal(one, other) for one, other in pairwise(items))


def _sum_from(zero: object) -> Callable[[list[object]], object]:
    def total(items: list[object]) -> object:
        result = items[0] if items else zero
        for item in items[1:]:
            result = add(result, item)
        return result

    return total


def _least(items: list[object]) -> object:
    if not items:
        raise EvaluationError("min called on empty list")
    found = items[0]
    for item in items[1:]:
        found = item if less(item, found) else found
    return found


def _greatest(items: list[object]) -> object:
    if not items:
        raise EvaluationError("max called on empty list")
    found = items[0]
    for item in items[1:]:
        found = item if less(found, item) else found
    return found


def _index_of(items: list[object], wanted: object) -> int:
    return next((index for index, item in enumerate(items) if equal(item, wanted)), -1)


def _last_index_of(items: list[object], wanted: object) -> int:
    return next((index for index in range(len(items) - 1, -1, -1) if equal(items[index], wanted)), -1)


def _first(items: list[object]) -> OptionalValue:
    return OptionalValue(present=True, value=items[0]) if items else ABSENT


def _last(items: list[object]) -> OptionalValue:
    return OptionalValue(present=True, value=items[-1]) if items else ABSENT


def _contains_all(items: list[object], wanted: list[object]) -> bool:
    return all(contains(one, items) for one in wanted)


def _equivalent(one: list[object], other: list[object]) -> bool:
    return _contains_all(one, other) and _contains_all(other, one)


def _intersects(one: list[object], other: list[object]) -> bool:
    return any(contains(item, one) for item in other)


def _over(
    types: tuple[str, ...], implementation: Callable[[list[object]], object], result: str
) -> tuple[Overload, ...]:
    return tuple(method(f"list<{one}>", result or one, implementation, cost=costs.all_of_first) for one in types)


LIBRARY = Library(
    functions={
        "isSorted": _over(_COMPARABLE, _is_sorted, "bool"),
        "min": _over(_COMPARABLE, _least, ""),
        "max": _over(_COMPARABLE, _greatest, ""),
        "sum": tuple(
            method(f"list<{one}>", one, _sum_from(zero), cost=costs.all_of_first) for one, zero in _ZEROS.items()
        ),
        "indexOf": (method("list<~A>", "int", _index_of, "~A", cost=costs.all_of_first),),
        "lastIndexOf": (method("list<~A>", "int", _last_index_of, "~A", cost=costs.all_of_first),),
        "first": (known("list", _first),),
        "last": (known("list", _last),),
        "sets.contains": (known_function(_contains_all, "list", "list", cost=costs.items_product),),
        "sets.equivalent": (known_function(_equivalent, "list", "list", cost=costs.items_product),),
        "sets.intersects": (known_function(_intersects, "list", "list", cost=costs.items_product),),
    },
    types={},
)
