"""What the types of an expression's parts tell of their sizes.

A list or map within a list or map has no type for our compiler: what is declared of the value tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from podlab.cel.estimation.sizes import Sized
from podlab.cel.types import PACKAGE
from podlab.foreign.cel.v1 import checked_pb2

Type: TypeAlias = checked_pb2.Type
Overloads: TypeAlias = Sequence[str]

_TEXTS = frozenset({Type.PRIMITIVE_STRING, Type.PRIMITIVE_BYTES})
_SCALARS = frozenset({Type.PRIMITIVE_BOOL, Type.PRIMITIVE_INT64, Type.PRIMITIVE_UINT64, Type.PRIMITIVE_DOUBLE})
_OPTIONAL = "optional_type"


def is_scalar(of: Type) -> bool:
    """Whether all values of the type are of one size."""
    match of.WhichOneof("type_kind"):
        case "primitive":
            return of.primitive in _SCALARS
        case "well_known":
            return of.well_known in (Type.WELL_KNOWN_TIMESTAMP, Type.WELL_KNOWN_DURATION)
        case "abstract_type":
            return of.abstract_type.name == _OPTIONAL and is_scalar(of.abstract_type.parameter_types[0])
    return False


def has_fields(of: Type) -> bool:
    """Whether it costs something to select a field of it."""
    return of.WhichOneof("type_kind") in ("map_type", "message_type", "type_param")


def is_list(of: Type, declared: Sized | None) -> bool:
    """Whether it is a list, not a map."""
    return of.WhichOneof("type_kind") == "list_type" or (declared is not None and declared.kind == "list")


def is_of_library(of: Type) -> bool:
    """Whether it is a type that a library brings, as net.IP: their values are of one size."""
    return of.WhichOneof("type_kind") == "message_type" and not of.message_type.startswith(f"{PACKAGE}.")


def list_of_text(of: Type, declared: Sized | None) -> tuple[bool, bool]:
    """Whether it is a list, and whether that is one of texts."""
    item = declared.item if declared is not None else None
    is_text = of.list_type.elem_type.primitive in _TEXTS or (item is not None and item.kind == "string")
    return is_list(of, declared), is_text
