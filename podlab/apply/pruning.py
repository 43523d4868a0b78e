"""Takes fields out of a value."""

from __future__ import annotations

from collections.abc import Mapping

from podlab.api.values.jsonvalues import Json
from podlab.apply.field_set import FieldSet
from podlab.apply.structure import LIST, OBJECT, Part, items, members
from podlab.shapes.shape import Shape


def without(value: Mapping[str, Json], fields: FieldSet, shape: Shape | None) -> dict[str, Json]:
    """The object of the shape without these fields, nor what is below them. What has lost all its parts is null."""
    if not fields:
        return dict(value)
    kept: dict[str, Json] = {}
    for name, part in members(shape, value):
        if part.step not in fields.members:
            kept[name] = _without(value[name], fields, part)
    return kept


def _without(value: Json, fields: FieldSet, part: Part) -> Json:
    """One part of it."""
    below = fields.children.get(part.step)
    if below is None:
        return value
    found = part.form(value)
    if found is OBJECT:
        return without(value, below, part.shape) or None
    if found is LIST:
        there = items(part.shape, value)
        return [_without(one, below, inner) for inner, one in there if inner.step not in below.members] or None
    return None if isinstance(value, dict | list) else value
