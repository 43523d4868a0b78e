"""Lists whose items have an identity: what tells one from another, and the order of what two people wrote."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NoReturn

from podlab.api.values.jsonvalues import Json, described
from podlab.errors import Cause, Invalid
from podlab.shapes.shape import List, Struct

Identify = Callable[[List, Json, str], Hashable]
"""What tells an item of a list of this shape, at this path, from others: the values of its keys, or itself."""


def by_merge_key(shape: List, item: Json, path: str) -> Hashable:
    """What a strategic merge patch finds an item by. Raises Invalid for one without."""
    key = shape.merge_key
    if not key:
        if isinstance(item, dict | list):
            refuse(path, f"expected a scalar in the list, found {described(item)}")
        return _scalar(item)
    if not isinstance(item, dict):
        refuse(path, f"expected an object in the list, found {described(item)}")
    value = item.get(key)
    if value is None or isinstance(value, dict | list):
        refuse(path, f"an item of the list does not contain declared merge key: {key}")
    return _scalar(value)


def by_map_keys(shape: List, item: Json, path: str) -> Hashable:
    """What the API says that items are told apart by, defaults included: TCP for a port without protocol.

    None for an item without keys, which whoever reads the result refuses.
    """
    if not isinstance(item, dict):
        return None if isinstance(item, list) or shape.merge_key else _scalar(item)
    values = [item.get(key, _default(shape, key)) for key in identifying(shape)]
    hashable = all(value is not None and not isinstance(value, dict | list) for value in values)
    return tuple(_scalar(value) for value in values) if values and hashable else None


def identifying(shape: List) -> tuple[str, ...]:
    """The members that tell items apart."""
    return shape.keys or ((shape.merge_key,) if shape.merge_key else ())


def positions(identities: Iterable[Hashable]) -> dict[Hashable, int]:
    """Where each stands first."""
    found: dict[Hashable, int] = {}
    for index, identity in enumerate(identities):
        found.setdefault(identity, index)
    return found


def ordered(
    merged: Sequence[tuple[Hashable, Json]], named: Iterable[Hashable], before: Iterable[Hashable]
) -> list[Json]:
    """The merged items, those that the patch names in its order, the others in the order that they had.

    Where both orders can be kept, a named item stands where it stood among the others; a new one comes first.
    """
    wanted, had = positions(named), positions(before)
    ours = sorted((one for one in merged if one[0] in wanted), key=lambda one: wanted[one[0]])
    others = sorted((one for one in merged if one[0] not in wanted), key=lambda one: had.get(one[0], len(had)))
    result: list[Json] = []
    next_other = 0
    for identity, item in ours:
        place = had.get(identity)
        while place is not None and next_other < len(others) and had.get(others[next_other][0], place) < place:
            result.append(others[next_other][1])
            next_other += 1
        result.append(item)
    return result + [item for _, item in others[next_other:]]


def is_in_order(identities: Iterable[Hashable], order: Iterable[Hashable]) -> bool:
    """Whether `order` names all of them, in the order in which they stand."""
    places = positions(order)
    found = [places.get(identity) for identity in identities]
    known = [place for place in found if place is not None]
    return len(known) == len(found) and known == sorted(known)


def refuse(path: str, why: str) -> NoReturn:
    """A patch that does not fit the list."""
    raise Invalid(f"patch: Invalid value: {path}: {why}", causes=[Cause(path, "FieldValueInvalid", why)])


def _scalar(value: Json) -> Hashable:
    """A scalar as a key: true is not 1."""
    return (isinstance(value, bool), value)


def _default(shape: List, key: str) -> Json:
    field = shape.item.fields.get(key) if isinstance(shape.item, Struct) else None
    return None if field is None else field.default
