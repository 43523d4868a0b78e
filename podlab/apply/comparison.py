"""What differs between two states of an object, by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podlab.api.values.jsonvalues import Json
from podlab.apply.field_set import EMPTY, FieldSet, made
from podlab.apply.path import Step
from podlab.apply.structure import MISSING, Part, ValueForm, form, items, members
from podlab.shapes.shape import Shape


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field is in one of the sets at most. With an object, all that it holds is added or removed."""

    added: FieldSet = EMPTY
    modified: FieldSet = EMPTY
    removed: FieldSet = EMPTY

    def without(self, ignored: FieldSet) -> Comparison:
        """Leaving these fields aside, and all that is below them."""
        if not ignored:
            return self
        return Comparison(self.added.without(ignored), self.modified.without(ignored), self.removed.without(ignored))

    @property
    def written(self) -> FieldSet:
        """Fields that the new state has another value of."""
        return self.added | self.modified


def compare(old: Json, new: Json, shape: Shape | None) -> Comparison:
    """Both are objects of the shape, of which members that are equal may be left out. Raises Unidentified."""
    return _parts_differ(old, new, shape, ValueForm.OBJECT)


class _Differences:
    """Comparisons of an object's or a list's parts, and what becomes of the parts themselves."""

    __slots__ = ("added", "below", "modified", "removed")

    def __init__(self) -> None:
        self.added: set[Step] = set()
        self.modified: set[Step] = set()
        self.removed: set[Step] = set()
        self.below: list[tuple[Step, Comparison]] = []

    def note(self, part: Part, old: Json, new: Json) -> None:
        """What there is to say of one part."""
        if old is MISSING:
            self.added.add(part.step)
            self.below.append((part.step, Comparison(added=_all_below(new, part))))
        elif new is MISSING:
            self.removed.add(part.step)
            self.below.append((part.step, Comparison(removed=_all_below(old, part))))
        elif old != new:
            self._note_change(part, old, new)

    def _note_change(self, part: Part, old: Json, new: Json) -> None:
        was = form(old, part.shape, is_atomic=part.is_atomic)
        became = form(new, part.shape, is_atomic=part.is_atomic)
        if was is became is ValueForm.LEAF:
            self.modified.add(part.step)
        elif became is ValueForm.LEAF:
            self._note_leaf(part, new)
            self.below.append((part.step, _parts_differ(old, None, part.shape, was)))
        elif was is ValueForm.LEAF:
            self._note_leaf(part, old)
            self.below.append((part.step, _parts_differ(None, new, part.shape, became)))
        else:
            self.below.append((part.step, _parts_differ(old, new, part.shape, became)))

    def _note_leaf(self, part: Part, leaf: Json) -> None:
        """An object or list that was empty, or became so, differs by its parts alone."""
        if leaf is not None and leaf not in ({}, []):
            self.modified.add(part.step)

    def made(self) -> Comparison:
        """All together."""
        below = self.below
        return Comparison(
            made(self.added, {step: one.added for step, one in below if one.added}),
            made(self.modified, {step: one.modified for step, one in below if one.modified}),
            made(self.removed, {step: one.removed for step, one in below if one.removed}),
        )


def _parts_differ(old: Json, new: Json, shape: Shape | None, shared: ValueForm) -> Comparison:
    found = _Differences()
    if shared is ValueForm.OBJECT:
        _members_differ(old or {}, new or {}, shape, found)
    else:
        _items_differ(old or [], new or [], shape, found)
    return found.made()


def _members_differ(old: Mapping[str, Json], new: Mapping[str, Json], shape: Shape | None, found: _Differences) -> None:
    for name, part in members(shape, {**old, **new}):
        found.note(part, old.get(name, MISSING), new.get(name, MISSING))


def _items_differ(old: Sequence[Json], new: Sequence[Json], shape: Shape | None, found: _Differences) -> None:
    """An item that is there twice has no fields of its own: all of one name are one."""
    before, after = _by_step(old, shape), _by_step(new, shape)
    for step in {**before, **after}:
        part, were = before.get(step, (None, []))
        there, are = after.get(step, (part, []))
        one = there or part
        assert one is not None
        if len(were) <= 1 and len(are) <= 1:
            found.note(one, were[0] if were else MISSING, are[0] if are else MISSING)
        elif len(were) > 1 and len(are) > 1:
            if were != are:
                found.modified.add(step)
        elif len(were) > 1:
            found.removed.add(step)
            if are:
                found.below.append((step, Comparison(added=_all_below(are[0], one))))
                found.added.add(step)
        else:
            found.added.add(step)
            if were:
                found.below.append((step, Comparison(removed=_all_below(were[0], one))))
                found.removed.add(step)


def _by_step(values: Sequence[Json], shape: Shape | None) -> dict[Step, tuple[Part, list[Json]]]:
    found: dict[Step, tuple[Part, list[Json]]] = {}
    for part, value in items(shape, values):
        found.setdefault(part.step, (part, []))[1].append(value)
    return found


def _all_below(value: Json, at: Part) -> FieldSet:
    """All fields below one that came or went: with each object, the object itself."""
    found = form(value, at.shape, is_atomic=at.is_atomic)
    if found is ValueForm.LEAF:
        return EMPTY
    if found is ValueForm.OBJECT:
        parts = [(part, value[name]) for name, part in members(at.shape, value)]
    else:
        parts = items(at.shape, value)
    seen: set[Step] = set()
    twice = {part.step for part, _ in parts if part.step in seen or seen.add(part.step)}  # type: ignore[func-returns-value]
    below = {part.step: _all_below(one, part) for part, one in parts if part.step not in twice}
    return made(seen, below)
