"""Which fields a value has: what whoever applies it claims."""

from __future__ import annotations

from podlab.api.values.jsonvalues import Json
from podlab.apply.field_set import EMPTY, FieldSet, made
from podlab.apply.path import Step
from podlab.apply.structure import LEAF, OBJECT, Part, items, members
from podlab.shapes.shape import List, Shape


def fields_of(value: Json, shape: Shape | None) -> FieldSet:
    """The fields of an object of the shape: those that hold no others, items of lists, and entries of maps. Raises
    Unidentified."""
    return _of_object(value, shape)


def _of_object(value: Json, shape: Shape | None) -> FieldSet:
    own: set[Step] = set()
    below: dict[Step, FieldSet] = {}
    for name, part in members(shape, value):
        inner = value[name]
        if _below(part, inner, below) or not part.is_declared:
            own.add(part.step)
    return made(own, below)


def _of_list(value: Json, shape: Shape | None) -> FieldSet:
    """An item that is there twice has no fields of its own."""
    seen: set[Step] = set()
    below: dict[Step, FieldSet] = {}
    for part, inner in items(shape, value):
        if part.step in seen:
            below[part.step] = EMPTY
        else:
            _below(part, inner, below)
        seen.add(part.step)
    return made(seen, below)


def _below(part: Part, value: Json, below: dict[Step, FieldSet]) -> bool:
    """Note what is below; whether the part itself is a field that holds no others."""
    found = part.form(value)
    if found is LEAF:
        has_items = isinstance(part.shape, List) and not part.is_whole
        return not (has_items and value == [])  # of a list without items, nothing is claimed
    below[part.step] = (_of_object if found is OBJECT else _of_list)(value, part.shape)
    return False
