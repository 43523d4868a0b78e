"""How large values may become: what is known of a value before there is one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MOST: Final = 2**64 - 1
"""Sizes and costs are cel-go's unsigned numbers: what would be more is this."""


@dataclass(frozen=True, slots=True, eq=False)
class Sized:
    """A value that a schema declares. `most` are the characters, items or entries of one of this kind (string, list,
    map; empty for all others, which have none), which may have parts: what `item` is in a list or map, and `fields` in
    an object."""

    kind: str = ""
    most: int = 0
    item: Sized | None = None
    fields: Mapping[str, Sized] = field(default_factory=dict)

    def below(self, step: str) -> Sized | None:
        """What is at a field, or in a list or map; None where nothing is declared."""
        if step in (ITEMS, VALUES):
            return self.item
        if step == KEYS:
            return KEY if self.kind == "map" else None
        return self.fields.get(step)


ITEMS: Final = "@items"
VALUES: Final = "@values"
KEYS: Final = "@keys"
INDICES: Final = "@indices"
KEY: Final = Sized("string")
"""A key of a map: Kubernetes takes keys for empty."""


@dataclass(frozen=True, slots=True)
class Size:
    """The fewest and the most characters, items or entries."""

    least: int
    most: int

    def plus(self, other: Size) -> Size:
        """Of both together."""
        return Size(plus(self.least, other.least), plus(self.most, other.most))

    def times(self, other: Size) -> Size:
        """Of so many of the other."""
        return Size(times(self.least, other.least), times(self.most, other.most))

    def either(self, other: Size) -> Size:
        """Of one or the other."""
        return Size(min(self.least, other.least), max(self.most, other.most))


UNKNOWN: Final = Size(0, MOST)
"""Of what nothing is known."""


def exactly(number: int) -> Size:
    """Of what is that large."""
    return Size(number, number)


def plus(one: int, other: int) -> int:
    """The sum, or the most that there is."""
    return min(one + other, MOST)


def times(one: int, other: int) -> int:
    """The product, or the most that there is."""
    return min(one * other, MOST)


def share(number: int, factor: float) -> int:
    """The product, rounded up: as floating-point numbers have it, which is what cel-go computes with."""
    return min(math.ceil(number * factor), MOST)
