"""What differs between two states of an object, by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podlab.api.values.jsonvalues import Json
from podlab.apply.field_set import EMPTY, FieldSet, shared
from podlab.apply.path import Step
from podlab.apply.structure import LEAF, LIST, MISSING, OBJECT, Part, ValueForm, items, members
from podlab.shapes.shape import Shape


@dataclass(frozen=True, slots=True)
class Comparison:
    """`written` are fields that are new or have another value, `removed` those that are gone. With an object, all that
    it holds comes and goes."""

    written: FieldSet
    removed: FieldSet

    def without(self, ignored: FieldSet) -> Comparison:
        """Leaving these fields aside, and all that is below them."""
        if not ignored:
            return self
        return Comparison(self.written.without(ignored), self.removed.without(ignored))


def compare(old: Json, new: Json, shape: Shape | None) -> Comparison:
    """Both are objects of the shape, of which members that are equal may be left out. Raises Unidentified."""
    return _parts_differ(old, new, shape, OBJECT)


def compare_part(part: Part, old: Json, new: Json) -> Comparison:
    """One part of an object, seen from the object; MISSING stands for what is not there. Raises Unidentified."""
    found = _Differences()
    found.note(part, old, new)
    return found.made()


class _Differences:
    """What comparisons of an object's or a list's parts have found: members of both sets, and what is below each."""

    __slots__ = ("gone", "removed", "written", "wrote")

    def __init__(self) -> None:
        self.written: list[Step] = []
        self.removed: list[Step] = []
        self.wrote: dict[Step, FieldSet] = {}
        self.gone: dict[Step, FieldSet] = {}

    def note(self, part: Part, old: Json, new: Json) -> None:
        """What there is to say of one part."""
        step = part.step
        if old is MISSING:
            self.written.append(step)
            if not part.is_whole and (below := all_below(new, part)):
                self.wrote[step] = below
        elif new is MISSING:
            self.removed.append(step)
            if not part.is_whole and (below := all_below(old, part)):
                self.gone[step] = below
        elif old != new:
            self._note_change(part, old, new)

    def note_many(self, part: Part, old: Sequence[Json], new: Sequence[Json]) -> None:
        """An item that is there twice has no fields of its own: all of one name are one."""
        if len(old) > 1 and len(new) > 1:
            if old != new:
                self.written.append(part.step)
            return
        self.note(part, old[0] if len(old) == 1 else MISSING, new[0] if len(new) == 1 else MISSING)
        (self.removed if len(old) > 1 else self.written).append(part.step)

    def _note_change(self, part: Part, old: Json, new: Json) -> None:
        was, became = part.form(old), part.form(new)
        if was is became is LEAF:
            self.written.append(part.step)
            return
        if LEAF in (was, became):
            leaf = old if was is LEAF else new
            if leaf is not None and leaf not in ({}, []):  # what was empty, or became so, differs by its parts alone
                self.written.append(part.step)
        found = _parts_differ(
            None if was is LEAF else old, None if became is LEAF else new, part.shape, became if was is LEAF else was
        )
        if found.written:
            self.wrote[part.step] = found.written
        if found.removed:
            self.gone[part.step] = found.removed

    def made(self) -> Comparison:
        """All together."""
        return Comparison(_set(self.written, self.wrote), _set(self.removed, self.gone))


def _set(members: Sequence[Step], below: dict[Step, FieldSet]) -> FieldSet:
    return shared(members, below) if members or below else EMPTY


def _parts_differ(old: Json, new: Json, shape: Shape | None, shared: ValueForm) -> Comparison:
    found = _Differences()
    if shared is OBJECT:
        _members_differ(old or {}, new or {}, shape, found)
    else:
        _items_differ(old or [], new or [], shape, found)
    return found.made()


def _members_differ(old: Mapping[str, Json], new: Mapping[str, Json], shape: Shape | None, found: _Differences) -> None:
    differing = {name: None for name in {**old, **new} if old.get(name, MISSING) != new.get(name, MISSING)}
    for name, part in members(shape, differing):
        found.note(part, old.get(name, MISSING), new.get(name, MISSING))


def _items_differ(old: Sequence[Json], new: Sequence[Json], shape: Shape | None, found: _Differences) -> None:
    if len(old) == len(new):  # most items stay where they are, and what they are
        pairs = [(was, now) for was, now in zip(old, new, strict=True) if was != now]
        old, new = [was for was, _ in pairs], [now for _, now in pairs]
    before, after = _by_step(old, shape), _by_step(new, shape)
    for step in {**before, **after}:
        part, were = before[step] if step in before else (after[step][0], [])
        are = after[step][1] if step in after else []
        if len(were) <= 1 and len(are) <= 1:
            found.note(part, were[0] if were else MISSING, are[0] if are else MISSING)
        else:
            found.note_many(part, were, are)


def _by_step(values: Sequence[Json], shape: Shape | None) -> dict[Step, tuple[Part, list[Json]]]:
    found: dict[Step, tuple[Part, list[Json]]] = {}
    for part, value in items(shape, values):
        found.setdefault(part.step, (part, []))[1].append(value)
    return found


def all_below(value: Json, at: Part) -> FieldSet:
    """All fields below one that came or went: with each object, the object itself."""
    found = at.form(value)
    if found is LEAF:
        return EMPTY
    if found is LIST:
        return _all_items(value, at.shape)
    own: list[Step] = []
    below: dict[Step, FieldSet] = {}
    for name, part in members(at.shape, value):
        own.append(part.step)
        if not part.is_whole and (inner := all_below(value[name], part)):
            below[part.step] = inner
    return _set(own, below)


def _all_items(values: Sequence[Json], shape: Shape | None) -> FieldSet:
    """An item that is there twice has nothing below it."""
    seen: set[Step] = set()
    below: dict[Step, FieldSet] = {}
    for part, value in items(shape, values):
        if part.step in seen:
            below.pop(part.step, None)
        elif inner := all_below(value, part):
            below[part.step] = inner
        seen.add(part.step)
    return _set(list(seen), below)
