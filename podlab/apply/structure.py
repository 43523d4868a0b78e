"""How ownership sees a value: as an object or a list whose parts have owners of their own, or as one whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Final, NamedTuple

from podlab.api.values.jsonvalues import Json
from podlab.apply import path
from podlab.apply.path import Step
from podlab.shapes.shape import Field, List, ListType, Map, Scalar, ScalarType, Shape, Struct


class Part(NamedTuple):
    """The step to a part, its shape, and whether it has one owner as a whole: scalars and what is atomic have, and what
    is empty. `shape` is None for what nobody described: then objects are owned member by member, lists as a whole."""

    step: Step
    shape: Shape | None
    is_whole: bool
    is_declared: bool = True

    def form(self, value: Json) -> ValueForm:
        """What the value is there; an empty object or list is a leaf."""
        if self.is_whole or not value:
            return LEAF
        if isinstance(value, dict):
            return LEAF if isinstance(self.shape, List) else OBJECT
        return LIST if isinstance(value, list) and isinstance(self.shape, List) else LEAF


class ValueForm(Enum):
    """What a value is to whoever owns it. `LEAF` has no parts with owners of their own."""

    LEAF = 0
    OBJECT = 1
    LIST = 2


LEAF, OBJECT, LIST = ValueForm


class Unidentified(ValueError):
    """An item of a list does not say which one it is."""


class _Missing(Enum):
    MISSING = 0


MISSING: Final = _Missing.MISSING
"""What stands for a value that is not there: null is one that is."""


def members(shape: Shape | None, names: Mapping[str, Json]) -> list[tuple[str, Part]]:
    """The parts of an object that has members of these names."""
    if isinstance(shape, Struct):
        declared = _declared(shape)
        return [(name, declared.get(name) or _undeclared(name)) for name in names]
    if isinstance(shape, Map):
        inner, is_whole = known(shape.value), _is_whole(shape.value)
        return [(name, Part(path.member(name), inner, is_whole, is_declared=False)) for name in names]
    return [(name, _undeclared(name)) for name in names]


def items(shape: Shape | None, values: Sequence[Json]) -> list[tuple[Part, Json]]:
    """The parts of a list, each with the item that is there. Raises Unidentified."""
    assert isinstance(shape, List)
    found = []
    for index, value in enumerate(values):
        try:
            found.append((item_part(shape, _step(shape, value)), value))
        except Unidentified as error:
            raise Unidentified(f"element {index}: {error}") from error
    return found


def item_part(shape: List, step: Step) -> Part:
    """The part of a list that the step leads to."""
    return Part(step, known(shape.item), _is_whole(shape.item))


def known(shape: Shape | None) -> Shape | None:
    """The shape; None where it says nothing: what an object of any kind holds is owned as JSON says it."""
    return None if isinstance(shape, Scalar) and shape.type is ScalarType.ANY else shape


@cache
def _declared(shape: Struct) -> dict[str, Part]:
    return {name: Part(path.member(name), known(one.shape), _is_owned_whole(one)) for name, one in shape.fields.items()}


def _undeclared(name: str) -> Part:
    return Part(path.member(name), None, is_whole=False, is_declared=False)


def _is_owned_whole(field: Field) -> bool:
    return _is_whole(field.shape) if field.is_atomic is None else field.is_atomic


def _is_whole(shape: Shape) -> bool:
    if isinstance(shape, Scalar):
        return shape.type is not ScalarType.ANY
    if isinstance(shape, List):
        return shape.type is ListType.ATOMIC
    return isinstance(shape, Struct) and shape.is_atomic


def _step(shape: List, value: Json) -> Step:
    """Raises Unidentified."""
    if shape.type is ListType.SET:
        if value is None or isinstance(value, dict | list):
            told = "an explicit null" if value is None else "a map or list type"
            raise Unidentified(f"associative list without keys has an element that's {told}")
        return path.item(value)
    if not isinstance(value, dict):
        what = "a null element" if value is None else "non-map elements"
        raise Unidentified(f"associative list with keys may not have {what}")
    return path.keys({name: _key(shape, value, name) for name in shape.keys})


def _key(shape: List, value: Mapping[str, Json], name: str) -> Json:
    if name in value:
        return value[name]
    field = shape.item.fields.get(name) if isinstance(shape.item, Struct) else None
    if field is None or field.default is None:
        raise Unidentified(
            f'associative list with keys has an element that omits key field "{name}" (and doesn\'t have default value)'
        )
    return field.default
