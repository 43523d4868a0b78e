"""What expressions work on.

Numbers, strings, bytes, lists, maps and null are Python's own: int, float, bool, str, bytes, list, dict, None. The
others are here. Language definition: https://github.com/google/cel-spec/blob/master/doc/langdef.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

MIN_INT: Final = -(2**63)
MAX_INT: Final = 2**63 - 1
MAX_UINT: Final = 2**64 - 1


class CompileError(Exception):
    """An expression that is not one; says where, as cel-go does: ERROR: <input>:1:5: undefined field 'x'."""


class EvaluationError(Exception):
    """An expression that has no value: `no such key: x`, `divide by zero`. && and || may still have one."""


class CostLimitExceeded(Exception):
    """The evaluation has cost more than it may."""

    def __init__(self) -> None:
        super().__init__("operation cancelled: actual cost limit exceeded")


class NoSuchOverload(EvaluationError):
    """Values of types that the operator or function does not take."""

    def __init__(self) -> None:
        super().__init__("no such overload")


class Uint(int):
    """An unsigned integer of 64 bits."""


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    """A timestamp: nanoseconds since 1970-01-01T00:00:00Z, in the years 1 to 9999."""

    nanoseconds: int


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A duration, in nanoseconds."""

    nanoseconds: int


@dataclass(frozen=True, slots=True)
class OptionalValue:
    """A value that may be absent."""

    present: bool
    value: object = None

    def get(self) -> object:
        """The value. Raises EvaluationError when it is absent."""
        if not self.present:
            raise EvaluationError("optional.none() dereference")
        return self.value


ABSENT: Final = OptionalValue(present=False)


@dataclass(frozen=True, slots=True)
class TypeValue:
    """What type() says."""

    name: str


class SetList(list[object]):
    """A list of list type `set`: equal in any order, and united by +."""


class KeyedList(list[object]):
    """A list of list type `map`: equal in any order, and merged by keys by +."""

    def __init__(self, items: list[object], keys: tuple[str, ...]) -> None:
        super().__init__(items)
        self.keys = keys

    def key_of(self, item: object) -> tuple[object, ...]:
        """What the item is told apart by."""
        return tuple(item.get(key) for key in self.keys) if isinstance(item, dict) else (item,)


class ObjectValue(dict[str, object]):
    """An object that an expression has made, by its fields. `named` is what the expression calls its type."""

    def __init__(self, named: str) -> None:
        super().__init__()
        self.named = named


class LazyMap(dict[str, object]):
    """A map whose values are worked out when they are first asked for."""

    def __init__(self, values: Mapping[str, Callable[[], object]]) -> None:
        super().__init__()
        self._values = values

    def __missing__(self, key: str) -> object:
        value = self[key] = self._values[key]()
        return value

    def __contains__(self, key: object) -> bool:
        return key in self._values


class DefaultMap(dict[str, object]):
    """A map in which what is not there is an empty map. `in` tells what is there."""

    def __missing__(self, key: str) -> object:
        return {}


TYPE_NAMES: Final[dict[type, str]] = {
    int: "int",
    bool: "bool",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    SetList: "list",
    KeyedList: "list",
    dict: "map",
    LazyMap: "map",
    DefaultMap: "map",
    type(None): "null_type",
    Uint: "uint",
    Instant: "google.protobuf.Timestamp",
    Span: "google.protobuf.Duration",
    OptionalValue: "optional_type",
    TypeValue: "type",
}


def type_name(value: object) -> str:
    """The name of the value's type. Types of libraries say theirs in `cel_type`."""
    return TYPE_NAMES.get(type(value)) or str(getattr(type(value), "cel_type", "map"))


def checked_int(value: int) -> int:
    """The integer, which must have 64 bits. Raises EvaluationError."""
    if MIN_INT <= value <= MAX_INT:
        return value
    raise EvaluationError("integer overflow")


def checked_uint(value: int) -> Uint:
    """The unsigned integer, which must have 64 bits. Raises EvaluationError."""
    if 0 <= value <= MAX_UINT:
        return Uint(value)
    raise EvaluationError("unsigned integer overflow")
