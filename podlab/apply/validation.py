"""Whether an applied configuration fits the shape of its kind."""

from __future__ import annotations

from collections.abc import Iterator

from podlab.api.values.jsonvalues import Json
from podlab.apply import path
from podlab.apply.structure import Part, Unidentified, items, known, members
from podlab.shapes.shape import List, ListType, Scalar, ScalarType, Shape, Struct

_NUMBERS = frozenset({ScalarType.INT32, ScalarType.INT64, ScalarType.UINT32})
_ANY_SCALAR = frozenset({ScalarType.QUANTITY, ScalarType.INT_OR_STRING})
_OF_TYPE = frozenset({"kind", "apiVersion"})


def problems(value: Json, shape: Shape | None) -> list[str]:
    """What is wrong with an object of the shape, each with its path, as Kubernetes words it."""
    found = []
    for name, part in members(shape, value):
        if not part.is_declared and isinstance(shape, Struct):
            if name not in _OF_TYPE and not shape.is_open:
                found.append(f"{path.shown((part.step,))}: field not declared in schema")
        else:
            found += [path.shown((part.step,)) + told for told in _found(value[name], part)]
    return found


def described(found: list[str]) -> str:
    """All problems in one text."""
    return found[0] if len(found) == 1 else "\n  ".join(["errors:", *found])


def _found(value: Json, part: Part) -> Iterator[str]:
    shape = part.shape
    if value is None or shape is None:
        return
    if isinstance(shape, Scalar):
        yield from (f": {told}" for told in _of_scalar(value, shape))
    elif isinstance(shape, List):
        yield from _of_list(value, shape)
    elif not isinstance(value, dict):
        yield f": expected map, got {value!r}"
    else:
        yield from problems(value, shape)


def _of_scalar(value: Json, shape: Scalar) -> Iterator[str]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if shape.type is ScalarType.STRINGS:
        return
    if shape.type in _NUMBERS:
        if not is_number:
            yield f"expected numeric (int or float), got {_type(value)}"
    elif shape.type is ScalarType.BOOLEAN:
        if not isinstance(value, bool):
            yield f"expected boolean, got {value!r}"
    elif shape.type in _ANY_SCALAR:
        if isinstance(value, dict | list):
            yield f"expected any scalar, got {value!r}"
    elif not isinstance(value, str):
        yield f"expected string, got {value!r}"


def _type(value: Json) -> str:
    """As Go names it."""
    return {bool: "bool", str: "string", list: "[]interface {}"}.get(type(value), "map[string]interface {}")


def _of_list(value: Json, shape: List) -> Iterator[str]:
    if not isinstance(value, list):
        yield f": expected list, got {value!r}"
        return
    if shape.type is ListType.ATOMIC:
        inner = Part("", known(shape.item), is_whole=False)
        for index, one in enumerate(value):
            yield from (f"[{index}]{told}" for told in _found(one, inner))
        return
    try:
        found = items(shape, value)
    except Unidentified as error:
        yield f": {error}"
        return
    seen: set[str] = set()
    for part, one in found:
        where = path.shown((part.step,))
        if part.step in seen:
            yield f": duplicate entries for key {where}"
        seen.add(part.step)
        yield from (where + told for told in _found(one, part))
