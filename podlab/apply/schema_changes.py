"""Field sets that were written while a field was owned part by part, which is now owned as a whole."""

from __future__ import annotations

from podlab.apply.field_set import FieldSet, made
from podlab.apply.path import MEMBER, Step
from podlab.apply.structure import Part, item_part, members
from podlab.shapes.shape import List, Shape


def reconciled(fields: FieldSet, shape: Shape | None) -> FieldSet:
    """The set, in which whoever owns a part of what is now one whole owns the whole. Itself when all is as it was."""
    if shape is None or fields.settled is shape:
        return fields
    found = _reconciled(fields, shape)
    found.settled = shape
    return found


def _reconciled(fields: FieldSet, shape: Shape) -> FieldSet:
    own: set[Step] = set(fields.members)
    below: dict[Step, FieldSet] = {}
    changed = False
    for step, inner in fields.children.items():
        part = _part(shape, step)
        if part is not None and part.is_whole:
            own.add(step)
            changed = True
            continue
        now = inner if part is None or part.shape is None else _reconciled(inner, part.shape)
        changed = changed or now is not inner
        below[step] = now
    return made(own, below) if changed else fields


def _part(shape: Shape | None, step: Step) -> Part | None:
    """None for what nobody described."""
    if isinstance(shape, List):
        return item_part(shape, step)
    if not step.startswith(MEMBER) or shape is None:
        return None
    name = step.removeprefix(MEMBER)
    return members(shape, {name: None})[0][1]
