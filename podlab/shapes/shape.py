"""What a value is: an object, a map, a list or a scalar, and what Kubernetes' API says of it beyond that.

Shapes never change, and refer to each other in circles where types do. The words are Kubernetes': a list's type and map
keys, a patch's strategy and merge key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from podlab.api.values.jsonvalues import Json


class ScalarType(Enum):
    """How JSON has the value of a scalar."""

    STRING = "string"
    BOOLEAN = "boolean"
    INT32 = "int32"
    INT64 = "int64"
    UINT32 = "uint32"
    DOUBLE = "double"
    BYTES = "bytes"  # base64 in a string
    TIME = "time"  # RFC 3339 in a string, whole seconds
    MICRO_TIME = "micro time"  # RFC 3339 in a string, microseconds
    DURATION = "duration"  # as Go writes it: 1m30s
    QUANTITY = "quantity"  # a number, or one with a suffix in a string
    INT_OR_STRING = "int or string"
    STRINGS = "strings"  # a list of strings that is never looked into
    ANY = "any"  # an object of whatever kind, or any value at all


class ListType(Enum):
    """What the items of a list are to each other."""

    ATOMIC = "atomic"
    SET = "set"
    MAP = "map"


@dataclass(frozen=True, slots=True)
class Scalar:
    """`name` is that of its type where it has one of its own, `values` the only ones that it may have."""

    type: ScalarType
    name: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class List:
    """`keys` tell items of type MAP apart; a patch finds them by `merge_key`, where it merges the list (`merges`)."""

    item: Shape
    type: ListType = ListType.ATOMIC
    keys: tuple[str, ...] = ()
    merges: bool = False
    merge_key: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """An object whose members have any names, and all the same shape."""

    value: Shape


@dataclass(frozen=True, slots=True, eq=False)
class Struct:
    """An object with members of known names. `name` is that of its type, empty where it has none of its own.

    An atomic one is owned as a whole by whoever writes it; a patch merges it all the same. One that is open may have
    members beside these, of which nothing is known.
    """

    name: str
    fields: Mapping[str, Field]
    is_atomic: bool = False
    is_open: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A member of a Struct.

    `declared` is where its description is found. One that is `always` written stands in JSON even when it is empty.
    A patch drops what it does not name of a field that `retains_keys`: it holds one of several alternatives. One that
    is `replaced` is never merged. `is_atomic` goes before what its shape says, where it is not None.
    """

    shape: Shape
    declared: str = ""
    always: bool = False
    required: bool = False
    immutable: bool = False
    default: Json = None
    retains_keys: bool = False
    replaced: bool = False
    is_atomic: bool | None = None


Shape = Scalar | List | Map | Struct


def member(shape: Shape | None, name: str) -> Field | None:
    """What is known of an object's member: None for what nobody declared."""
    if isinstance(shape, Struct):
        return shape.fields.get(name)
    return Field(shape.value) if isinstance(shape, Map) else None
