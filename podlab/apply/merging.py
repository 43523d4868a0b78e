"""Brings an applied configuration and an object together. Nothing is removed here."""

from __future__ import annotations

from collections.abc import Sequence

from podlab.api.values.jsonvalues import Json
from podlab.apply.path import Step
from podlab.apply.structure import LEAF, MISSING, OBJECT, Part, items, members
from podlab.shapes.shape import Shape


def merge(live: Json, applied: Json, shape: Shape | None) -> dict[str, Json]:
    """The object of the shape with what is applied to it; neither is changed. Raises Unidentified."""
    merged: dict[str, Json] = dict(live)
    for name, part in members(shape, applied):
        merged[name] = _merge(live.get(name, MISSING), applied[name], part)
    return merged


def _merge(live: Json, applied: Json, part: Part) -> Json:
    if live is MISSING:
        return applied
    found = part.form(applied)
    was = part.form(live)
    if found is LEAF:
        is_empty = applied is None or applied == [] or applied == {}
        return live if is_empty and was is not LEAF else applied
    if was is not found:
        return applied
    return merge(live, applied, part.shape) if found is OBJECT else _lists(live, applied, part.shape)


def _lists(live: Sequence[Json], applied: Sequence[Json], shape: Shape | None) -> list[Json]:
    """The items of both. Those that are applied stand in the order in which they are; the others stay before the same
    ones as before."""
    ours, theirs = items(shape, live), items(shape, applied)
    wanted = [part.step for part, _ in theirs]
    had = _once(ours)
    merged: dict[Step, Json] = {part.step: _merge(had.get(part.step, MISSING), value, part) for part, value in theirs}
    order = _order([part.step for part, _ in ours], wanted)
    return [merged[wanted[at]] if is_applied else ours[at][1] for is_applied, at in order]


def _once(found: Sequence[tuple[Part, Json]]) -> dict[Step, Json]:
    """Items by their steps; those that are there twice are replaced by what is applied, and not merged with it."""
    known: dict[Step, Json] = {}
    for part, value in found:
        known[part.step] = None if part.step in known else value
    return known


def _order(live: Sequence[Step], applied: Sequence[Step]) -> list[tuple[bool, int]]:
    """Where the merged items come from: whether from what is applied, and which one there."""
    wanted, present = set(applied), set(live)
    shared = iter([step for step in applied if step in present])
    next_shared = next(shared, None)
    done: set[Step] = set()
    result: list[tuple[bool, int]] = []
    ours = theirs = 0
    while ours < len(live) or theirs < len(applied):
        step = live[ours] if ours < len(live) else None
        if step is not None and theirs < len(applied):
            if step == applied[theirs]:
                done.add(step)
                result.append((True, theirs))
                ours, theirs, next_shared = ours + 1, theirs + 1, next(shared, None)
                continue
            if step in wanted and next_shared is not None and step != next_shared:
                ours += 1  # both have it, but another one is due first
                continue
        if step is not None and step not in wanted:
            result.append((False, ours))
            ours += 1
            continue
        if step is not None and step in done:
            ours += 1
        if theirs < len(applied):
            done.add(applied[theirs])
            result.append((True, theirs))
            if next_shared == applied[theirs]:
                next_shared = next(shared, None)
            theirs += 1
    return result
