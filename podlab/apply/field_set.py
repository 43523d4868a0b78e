"""Sets of fields. They never change, share what they have in common, and are put together by their parts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from podlab.apply.path import Path, Step, order
from podlab.shapes.shape import List, Map, Shape, Struct

# Parts of sets that are alike: those of all kinds that are written at the time, and of items that have names of their
# own. One takes some hundreds of bytes.
_REMEMBERED = 4096


class FieldSet:
    """`members` are fields of the set, `children` hold what of the set is below each of them, or below others.

    A field may be in the set without anything below it, and the other way round. No child is empty.
    """

    __slots__ = ("children", "members", "settled", "stored", "text")

    def __init__(self, members: frozenset[Step], children: Mapping[Step, FieldSet]) -> None:
        self.members: Final = members
        self.children: Final = children
        self.stored: bytes = b""
        """As it is stored, once somebody has found out."""
        self.settled: Shape | None = None
        """The shape that it has been reconciled with."""
        self.text: bytes = b""
        """Its JSON, once somebody has written it."""

    @staticmethod
    def of(*paths: Path) -> FieldSet:
        """The set of these fields. That of the object itself is in no set."""
        members: set[Step] = set()
        below: dict[Step, list[Path]] = {}
        for path in paths:
            if len(path) == 1:
                members.add(path[0])
            elif path:
                below.setdefault(path[0], []).append(path[1:])
        return made(members, {step: FieldSet.of(*inner) for step, inner in below.items()})

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, FieldSet):
            return NotImplemented
        return self.members == other.members and self.children == other.children

    __hash__ = None  # type: ignore[assignment]  # it would have to look at all of it

    def __bool__(self) -> bool:
        return bool(self.members) or bool(self.children)

    def __repr__(self) -> str:
        return f"FieldSet.of{tuple(self)}"

    def __contains__(self, path: Path) -> bool:
        below = self
        for step in path[:-1]:
            if step not in below.children:
                return False
            below = below.children[step]
        return bool(path) and path[-1] in below.members

    def __iter__(self) -> Iterator[Path]:
        """The fields' paths: those of a level in order, then what is below each."""
        for step in sorted(self.members, key=order):
            yield (step,)
        for step in sorted(self.children, key=order):
            for path in self.children[step]:
                yield (step, *path)

    def __or__(self, other: FieldSet) -> FieldSet:
        """Fields of either. As all of these, one of the two where it is the result."""
        if not other or self is other:
            return self
        if not self:
            return other
        more = {}
        for step, theirs in other.children.items():
            mine = self.children.get(step)
            both = theirs if mine is None else mine | theirs
            if both is not mine:
                more[step] = both
        members = self.members if other.members <= self.members else self.members | other.members
        if not more and members is self.members:
            return self
        return shared(members, {**self.children, **more})

    def __and__(self, other: FieldSet) -> FieldSet:
        """Fields of both."""
        if self is other:
            return self
        children = {}
        for step, mine in self.children.items():
            theirs = other.children.get(step)
            if theirs is not None and (below := mine & theirs):
                children[step] = below
        members = self.members & other.members
        return shared(members, children) if members or children else EMPTY

    def __sub__(self, other: FieldSet) -> FieldSet:
        """Without fields of the other; what is below those stays."""
        left = {}
        for step, theirs in other.children.items():
            mine = self.children.get(step)
            if mine is not None and (below := mine - theirs) is not mine:
                left[step] = below
        return self._with(left, other.members)

    def less(self, other: FieldSet) -> FieldSet:
        """As `-`, of a set that stays in the terms of the shape that it is in."""
        left = self - other
        left.settled = self.settled
        return left

    def without(self, other: FieldSet) -> FieldSet:
        """Without fields of the other, nor what is below those."""
        left = {step: EMPTY for step in other.members if step in self.children}
        for step, theirs in other.children.items():
            mine = self.children.get(step)
            if mine is not None and step not in left and (below := mine.without(theirs)) is not mine:
                left[step] = below
        return self._with(left, other.members)

    def _with(self, changed: Mapping[Step, FieldSet], gone: frozenset[Step]) -> FieldSet:
        """With these children, of which empty ones go, and without these members."""
        if not changed and self.members.isdisjoint(gone):
            return self
        return made(self.members - gone, {**self.children, **changed})

    def with_declared(self, shape: Shape | None) -> FieldSet:
        """With the declared members that lead to its fields: to own a field does not say who owns the object that it is
        in, but for a pruned value to hold it the object has to stay."""
        declared = shape.fields if isinstance(shape, Struct) else {}
        leading = [step for step in self.children if step[2:] in declared]
        children = {step: below.with_declared(_shape_below(shape, step)) for step, below in self.children.items()}
        return made(self.members.union(leading), children)


EMPTY: Final = FieldSet(frozenset(), {})


def made(members: Iterable[Step], children: Mapping[Step, FieldSet]) -> FieldSet:
    """A set of its parts, of which children may be empty."""
    below = {step: one for step, one in children.items() if one}
    own = frozenset(members)
    return shared(own, below) if own or below else EMPTY


def shared(members: Collection[Step], children: Mapping[Step, FieldSet]) -> FieldSet:
    """The set of its parts, none of them empty; most often one that there is already, for most objects are alike."""
    key = (*members, None, *children, *map(id, children.values()))
    known = _SHARED.get(key)
    if known is None:
        if len(_SHARED) >= _REMEMBERED:
            _SHARED.clear()
        known = _SHARED[key] = FieldSet(frozenset(members), dict(children))
    return known


_Key = tuple[Step | int | None, ...]
# By its members, and which sets are below: these live as long as the set that holds them.
_SHARED: dict[_Key, FieldSet] = {}


def _shape_below(shape: Shape | None, step: Step) -> Shape | None:
    if isinstance(shape, Struct):
        field = shape.fields.get(step[2:])
        return None if field is None else field.shape
    if isinstance(shape, Map):
        return shape.value
    return shape.item if isinstance(shape, List) else None
