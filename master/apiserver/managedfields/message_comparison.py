"""What differs between two messages of one kind, by field. Pure.

Says what `podlab.apply.comparison.compare` says of their JSON, which is written only of what no descriptor describes:
what is equal is compared in C, and the rest is walked by what is compiled once of each type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from podlab.api.serializer.encoding import child_type, convert, encoder, is_always, is_inline
from podlab.api.values.jsonvalues import Json
from podlab.apply import path, structure
from podlab.apply.comparison import Comparison, all_below, compare_part
from podlab.apply.field_set import EMPTY, FieldSet, shared
from podlab.apply.path import MEMBER, Step
from podlab.apply.structure import MISSING, Part, Unidentified
from podlab.shapes.messages import shape_of
from podlab.shapes.shape import List, ListType, Map, Scalar, ScalarType, Shape, Struct

_Value = Any
"""Of a field: a scalar, a message, or a container of these."""
_Write = Callable[[_Value], Json]

_ASIDE = frozenset({"metadata", "status"})
# Steps to items that are written at the time.
_REMEMBERED = 1 << 14


def compare(old: Message, new: Message) -> Comparison:
    """Both are of one type. Raises Unidentified."""
    written, removed = _Parts(), _Parts()
    _type(new.DESCRIPTOR).differ(old, new, written, removed)
    return Comparison(written.made(), removed.made())


def differ_plainly(old: Message, new: Message) -> bool:
    """Whether it is seen at a glance that a value outside of metadata and status is another: most writes change one."""
    known = _type(new.DESCRIPTOR)
    for name in known.scalars:
        now = getattr(new, name)
        if now and now != getattr(old, name):
            return True
    members = known.members
    for (field, was), (same, now) in zip(old.ListFields(), new.ListFields(), strict=False):
        if field != same:  # what came or went is not seen at a glance
            return False
        if was != now and field.name not in _ASIDE and members[field].differs_plainly(was, now):
            return True
    return False


class _Parts:
    """Members of a set, and what is below each, while they are put together."""

    __slots__ = ("below", "members")

    def __init__(self) -> None:
        self.members: list[Step] = []
        self.below: dict[Step, FieldSet] = {}

    def add_below(self, step: Step, fields: FieldSet) -> None:
        """Unless there are none."""
        if fields:
            self.below[step] = fields

    def made(self) -> FieldSet:
        """The set."""
        return shared(self.members, self.below) if self.members or self.below else EMPTY


class _Leaf:
    """A member that is owned as a whole. `part` is what the kind's shape says of it, `absent` what JSON has there when
    it is not set: MISSING where that is nothing."""

    __slots__ = ("absent", "part", "step", "write")

    def __init__(self, part: Part, write: _Write | None, absent: Json) -> None:
        self.part = part
        self.step = part.step
        self.write = write
        self.absent = absent

    def came(self, value: _Value, parts: _Parts) -> None:
        """Note it and all that is below it: JSON did not have it before, or has it no more."""
        parts.members.append(self.step)

    def filled(self, value: _Value, written: _Parts, removed: _Parts) -> None:
        """Note what it holds: JSON had it before, with nothing in it."""
        if self.json(value) != self.absent:
            written.members.append(self.step)

    def emptied(self, value: _Value, written: _Parts, removed: _Parts) -> None:
        """Note what it held: JSON still has it, with nothing in it."""
        self.filled(value, written, removed)

    def changed(self, was: _Value, now: _Value, written: _Parts, removed: _Parts) -> None:
        """Note what differs."""
        written.members.append(self.step)

    def differs_plainly(self, was: _Value, now: _Value) -> bool:
        """Whether what differs is written for sure."""
        return True

    def json(self, value: _Value) -> Json:
        """As JSON has it."""
        return value if self.write is None else self.write(value)


class _Struct(_Leaf):
    """One whose members are owned one by one."""

    __slots__ = ("descriptor", "empty")

    def __init__(self, part: Part, write: _Write | None, absent: Json, descriptor: Descriptor) -> None:
        super().__init__(part, write, absent)
        self.descriptor = descriptor
        self.empty = GetMessageClass(descriptor)()

    def came(self, value: _Value, parts: _Parts) -> None:
        parts.members.append(self.step)
        parts.add_below(self.step, _type(self.descriptor).all_of(value))

    def filled(self, value: _Value, written: _Parts, removed: _Parts) -> None:
        self.changed(self.empty, value, written, removed)

    def emptied(self, value: _Value, written: _Parts, removed: _Parts) -> None:
        self.changed(value, self.empty, written, removed)

    def changed(self, was: _Value, now: _Value, written: _Parts, removed: _Parts) -> None:
        wrote, gone = _Parts(), _Parts()
        _type(self.descriptor).differ(was, now, wrote, gone)
        written.add_below(self.step, wrote.made())
        removed.add_below(self.step, gone.made())

    def differs_plainly(self, was: _Value, now: _Value) -> bool:
        return differ_plainly(was, now)


class _Inline(_Struct):
    """One whose members stand in the object that it is in."""

    __slots__ = ()

    def came(self, value: _Value, parts: _Parts) -> None:
        _type(self.descriptor).note_all(value, parts)

    def changed(self, was: _Value, now: _Value, written: _Parts, removed: _Parts) -> None:
        _type(self.descriptor).differ(was, now, written, removed)


class _Entries(_Leaf):
    """A map whose values are owned as wholes."""

    __slots__ = ()

    def came(self, value: _Value, parts: _Parts) -> None:
        parts.members.append(self.step)
        self._note(value, parts)

    def filled(self, value: _Value, written: _Parts, removed: _Parts) -> None:
        self._note(value, written)

    def emptied(self, value: _Value, written: _Parts, removed: _Parts) -> None:
        self._note(value, removed)

    def changed(self, was: _Value, now: _Value, written: _Parts, removed: _Parts) -> None:
        before, after = dict(was), dict(now)
        wrote = [MEMBER + key for key, value in after.items() if key not in before or before[key] != value]
        gone = [MEMBER + key for key in before if key not in after]
        if wrote:
            written.below[self.step] = shared(wrote, {})
        if gone:
            removed.below[self.step] = shared(gone, {})

    def differs_plainly(self, was: _Value, now: _Value) -> bool:
        return any(key not in was or was[key] != value for key, value in now.items())

    def _note(self, value: _Value, parts: _Parts) -> None:
        parts.below[self.step] = shared([MEMBER + key for key in sorted(value)], {})


class _Described(_Leaf):
    """A member that is compared as JSON: what no descriptor describes, and what is rare."""

    __slots__ = ()

    def came(self, value: _Value, parts: _Parts) -> None:
        self._compare(MISSING, self.json(value), parts, parts)

    def filled(self, value: _Value, written: _Parts, removed: _Parts) -> None:
        self._compare(self.absent, self.json(value), written, removed)

    def emptied(self, value: _Value, written: _Parts, removed: _Parts) -> None:
        self._compare(self.json(value), self.absent, written, removed)

    def changed(self, was: _Value, now: _Value, written: _Parts, removed: _Parts) -> None:
        self._compare(self.json(was), self.json(now), written, removed)

    def differs_plainly(self, was: _Value, now: _Value) -> bool:
        return False  # items may have changed their places alone

    def _compare(self, was: Json, now: Json, written: _Parts, removed: _Parts) -> None:
        found = compare_part(self.part, was, now)
        for fields, parts in ((found.written, written), (found.removed, removed)):
            parts.members += fields.members
            parts.below |= fields.children


class _Items(_Described):
    """A list whose items are owned one by one; `identify` says which step leads to one. Items of type `inner` are owned
    member by member, others as wholes."""

    __slots__ = ("identify", "inner")

    def __init__(
        self,
        part: Part,
        write: _Write | None,
        absent: Json,
        identify: Callable[[_Value], Step],
        inner: Descriptor | None,
    ) -> None:
        super().__init__(part, write, absent)
        self.identify = identify
        self.inner = inner

    def came(self, value: _Value, parts: _Parts) -> None:
        if (found := self._by_step(value)) is None:
            super().came(value, parts)
        else:
            parts.members.append(self.step)
            self._note(found, parts)

    def filled(self, value: _Value, written: _Parts, removed: _Parts) -> None:
        if (found := self._by_step(value)) is None:
            super().filled(value, written, removed)
        else:
            self._note(found, written)

    def emptied(self, value: _Value, written: _Parts, removed: _Parts) -> None:
        if (found := self._by_step(value)) is None:
            super().emptied(value, written, removed)
        else:
            self._note(found, removed)

    def changed(self, was: _Value, now: _Value, written: _Parts, removed: _Parts) -> None:
        if len(was) == len(now):  # most items stay where they are
            pairs = [(one, other) for one, other in zip(was, now, strict=True) if one != other]
            was, now = [one for one, _ in pairs], [other for _, other in pairs]
        before, after = self._by_step(was), self._by_step(now)
        if before is None or after is None:
            super().changed(was, now, written, removed)
            return
        wrote, gone = _Parts(), _Parts()
        for step, item in after.items():
            if step not in before:
                self._note_item(step, item, wrote)
            elif (other := before[step]) != item:
                self._note_change(step, other, item, wrote, gone)
        for step, item in before.items():
            if step not in after:
                self._note_item(step, item, gone)
        written.add_below(self.step, wrote.made())
        removed.add_below(self.step, gone.made())

    def _by_step(self, value: _Value) -> dict[Step, _Value] | None:
        """None where items are not told apart, which is rare: all of one name are one."""
        try:
            found = dict(zip(map(self.identify, value), value, strict=True))
        except Unidentified:
            return None
        return found if len(found) == len(value) else None

    def _note(self, found: Mapping[Step, _Value], parts: _Parts) -> None:
        items = _Parts()
        for step, item in found.items():
            self._note_item(step, item, items)
        parts.below[self.step] = items.made()

    def _note_item(self, step: Step, item: _Value, parts: _Parts) -> None:
        parts.members.append(step)
        if self.inner is not None:
            parts.add_below(step, _type(self.inner).all_of(item))

    def _note_change(self, step: Step, was: _Value, now: _Value, written: _Parts, removed: _Parts) -> None:
        if self.inner is None:
            written.members.append(step)
            return
        wrote, gone = _Parts(), _Parts()
        _type(self.inner).differ(was, now, wrote, gone)
        written.add_below(step, wrote.made())
        removed.add_below(step, gone.made())


class _Type:
    """What is compiled of one message type."""

    __slots__ = ("absent", "coming", "leaves", "members", "scalars")

    def __init__(self, descriptor: Descriptor) -> None:
        message = GetMessageClass(descriptor)
        struct, absent = shape_of(message), encoder(descriptor)(message())
        self.members = {field: _member(field, struct, absent) for field in descriptor.fields}
        self.leaves = {field: member.step for field, member in self.members.items() if type(member) is _Leaf}
        self.coming = {field: step for field, step in self.leaves.items() if self.members[field].absent is MISSING}
        """Those of which JSON has nothing when they are not set: most that new objects have."""
        self.scalars = tuple(field.name for field in self.leaves if _is_plain(field))
        """Their names: what is set there and was not, or was another, is written."""
        parts = structure.members(struct, absent)
        self.absent: Final = {part.step: all_below(absent[name], part) for name, part in parts}
        """What JSON always has, and what is below it when it is not set."""

    def all_of(self, message: Message) -> FieldSet:
        """All fields of a message that is new, or gone."""
        parts = _Parts()
        self.note_all(message, parts)
        for step, below in self.absent.items():
            if step not in parts.members:
                parts.members.append(step)
                parts.add_below(step, below)
        return parts.made()

    def note_all(self, message: Message, parts: _Parts) -> None:
        """Note those that are set."""
        members, leaves = self.members, self.leaves
        for field, value in message.ListFields():
            if (step := leaves.get(field)) is not None:
                parts.members.append(step)
            else:
                members[field].came(value, parts)

    def differ(self, old: Message, new: Message, written: _Parts, removed: _Parts) -> None:
        """Note what differs between two messages."""
        members, coming = self.members, self.coming
        left = dict(old.ListFields())
        for field, now in new.ListFields():
            was = left.pop(field, None) if left else None
            if was is None and (step := coming.get(field)) is not None:
                written.members.append(step)
                continue
            member = members[field]
            if was is not None:
                if was != now:
                    member.changed(was, now, written, removed)
            elif member.absent is MISSING:
                member.came(now, written)
            else:
                member.filled(now, written, removed)
        for field, was in left.items():
            member = members[field]
            if member.absent is MISSING:
                member.came(was, removed)
            else:
                member.emptied(was, written, removed)


@cache
def _type(descriptor: Descriptor) -> _Type:
    return _Type(descriptor)


def _member(field: FieldDescriptor, struct: Struct, absent: Mapping[str, Json]) -> _Leaf:
    """What a field is to those who own parts of its message; `absent` is the JSON of an empty one."""
    write = convert(field)
    if is_inline(field):
        return _Inline(_NO_PART, write, {}, child_type(field))
    [(_, part)] = structure.members(struct, {field.json_name: None})
    empty = absent.get(field.json_name, MISSING)
    if part.is_whole:
        return _Leaf(part, write, empty)
    shape = part.shape
    if isinstance(shape, Struct) and not field.is_repeated:
        return _Struct(part, write, empty, child_type(field))
    if isinstance(shape, Map) and _is_whole(shape.value):
        return _Entries(part, write, empty)
    identify = _identity(field, shape) if isinstance(shape, List) else None
    if identify is None:
        return _Described(part, write, empty)
    assert isinstance(shape, List)
    is_object = isinstance(shape.item, Struct) and not shape.item.is_atomic
    return _Items(part, write, empty, identify, child_type(field) if is_object else None)


def _is_plain(field: FieldDescriptor) -> bool:
    """Whether the field holds one scalar, which JSON shows as it is, and nothing else tells whether it is set."""
    return not field.is_repeated and not field.has_presence and convert(field) is None and field.name not in _ASIDE


def _is_whole(shape: Shape) -> bool:
    return isinstance(shape, Scalar) and shape.type is not ScalarType.ANY


def _identity(field: FieldDescriptor, shape: List) -> Callable[[_Value], Step] | None:
    """What leads to an item of a list; None where that has to be found in its JSON."""
    if shape.type is ListType.SET:
        return _item_step if field.message_type is None and convert(field) is list else None
    if shape.type is not ListType.MAP or not isinstance(shape.item, Struct):
        return None
    known = child_type(field).fields_by_name
    readers = [_key_reader(known[key], shape.item.fields[key].default) for key in shape.keys if key in known]
    if len(readers) < len(shape.keys) or None in readers:
        return None
    return _named_by(shape.keys, [one for one in readers if one is not None])


def _named_by(keys: tuple[str, ...], readers: Sequence[_Write]) -> Callable[[_Value], Step]:
    if len(readers) == 1:
        [read] = readers
        return lambda item: _step(keys, (read(item),))
    return lambda item: _step(keys, tuple([read(item) for read in readers]))


def _key_reader(field: FieldDescriptor, default: Json) -> _Write | None:
    """Reads a key as JSON has it. None for one that is no plain value."""
    if field.message_type is not None or field.is_repeated or convert(field) is not None:
        return None
    name, stands_empty, has_presence = field.name, is_always(field), field.has_presence

    def read(item: _Value) -> Json:
        value = getattr(item, name)
        if stands_empty or (item.HasField(name) if has_presence else value):
            return value
        if default is None:
            raise Unidentified(f'an item omits key field "{field.json_name}"')
        return default

    return read


@lru_cache(maxsize=_REMEMBERED)
def _step(keys: tuple[str, ...], values: tuple[Json, ...]) -> Step:
    return path.keys(dict(zip(keys, values, strict=True)))


@lru_cache(maxsize=_REMEMBERED)
def _item_step(value: Json) -> Step:
    return path.item(value)


_NO_PART: Final = Part("", None, is_whole=False)
