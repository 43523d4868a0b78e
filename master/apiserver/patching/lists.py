"""Lists in strategic merge patches: told apart by an identity, and put in order."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from master.apiserver.patching.document import Json

Identity = Callable[[Json], Hashable]
"""What tells an item from others: its merge key's value, or itself."""


def scalar(value: Json) -> Hashable:
    """A scalar as a key: true is not 1."""
    return (isinstance(value, bool), value)


def positions(items: Sequence[Json], identity: Identity) -> dict[Hashable, int]:
    """Where each identity stands first."""
    found: dict[Hashable, int] = {}
    for index, item in enumerate(items):
        found.setdefault(identity(item), index)
    return found


def ordered(merged: Sequence[Json], named: Sequence[Json], before: Sequence[Json], identity: Identity) -> list[Json]:
    """The merged items, those that the patch names in its order, the others in the order that they had.

    Where both orders can be kept, a named item stands where it stood among the others; a new one comes first.
    """
    wanted, had = positions(named, identity), positions(before, identity)
    ours = sorted((item for item in merged if identity(item) in wanted), key=lambda item: wanted[identity(item)])
    others = sorted(
        (item for item in merged if identity(item) not in wanted),
        key=lambda item: had.get(identity(item), len(had)),
    )
    result: list[Json] = []
    next_other = 0
    for item in ours:
        place = had.get(identity(item))
        while place is not None and next_other < len(others) and had.get(identity(others[next_other]), place) < place:
            result.append(others[next_other])
            next_other += 1
        result.append(item)
    return result + others[next_other:]


def is_in_order(items: Sequence[Json], order: Sequence[Json], identity: Identity) -> bool:
    """Whether `order` names all items, in the order in which they stand."""
    places = positions(order, identity)
    found = [places.get(identity(item)) for item in items]
    known = [place for place in found if place is not None]
    return len(known) == len(found) and known == sorted(known)
