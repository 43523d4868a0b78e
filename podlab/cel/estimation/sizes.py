"""How large values may become: what is known of a value before there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from podlab.cel.declarations import Overload


@dataclass(frozen=True, slots=True, eq=False)
class Sized:
    """`most` are the characters, items or entries of a value of this kind (string, list, map; empty for all others),
    which may have parts: what `item` is in a list or map, and `fields` in an object."""

    kind: str = ""
    most: int = 1
    item: Sized | None = None
    fields: Mapping[str, Sized] = field(default_factory=dict)


UNKNOWN = Sized()
"""Of what nothing is known: it counts as small."""


class _Text(str):
    """Stands for any text of a length."""

    __slots__ = ("most",)
    most: int

    def __len__(self) -> int:
        return self.most


class _Items(list[object]):
    """Stands for any list of a length."""

    __slots__ = ("most",)
    most: int

    def __len__(self) -> int:
        return self.most


class _Entries(dict[str, object]):
    """Stands for any map of a size."""

    __slots__ = ("most",)
    most: int

    def __len__(self) -> int:
        return self.most


_STANDS_FOR = {"string": _Text, "list": _Items, "map": _Entries}
_LARGEST = 2**62


def largest(value: Sized) -> object:
    """What functions' costs take for the largest such value: they look at lengths alone."""
    made = _STANDS_FOR.get(value.kind)
    if made is None:
        return 1
    stand_in = made()
    stand_in.most = min(value.most, _LARGEST)
    return stand_in


def takes(overload: Overload, values: list[Sized]) -> bool:
    """Whether the overload may be meant for such values."""
    return all(
        not value.kind or parameter == "dyn" or parameter.startswith(("~", value.kind))
        for parameter, value in zip(overload.parameters, values, strict=True)
    )
