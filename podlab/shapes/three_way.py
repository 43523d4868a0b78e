"""The three-way merge of `apply`: what the user wrote, what was written last, and what the server holds now.

What the user wrote wins; what was written last and is no longer there goes; all else, such as defaults and what
controllers set, stays. The first two say this as a strategic merge patch, which is applied to the third.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from podlab.api.values.jsonvalues import Json
from podlab.shapes.lists import by_map_keys, identifying
from podlab.shapes.shape import Field, List, Scalar, Shape, member
from podlab.shapes.strategic import DIRECTIVE, ORDER, REMOVE, RETAIN, strategic_merge


def three_way(last: Json, wanted: Mapping[str, Json], live: Mapping[str, Json], shape: Shape | None) -> dict[str, Json]:
    """The object to store. `wanted` may hold nulls, which remove what is live."""
    return strategic_merge(live, _objects(last, wanted, shape), shape, by_map_keys)


def _objects(last: Json, wanted: Mapping[str, Json], shape: Shape | None) -> dict[str, Json]:
    """The patch that writes what is wanted, and removes what only the last one had."""
    before = last if isinstance(last, dict) else {}
    patch: dict[str, Json] = {name: None for name in before if name not in wanted}
    for name, value in wanted.items():
        field = member(shape, name)
        if isinstance(value, dict) and not (field is not None and isinstance(field.shape, Scalar)):
            patch[name] = _inner(before.get(name), value, field)
        elif isinstance(value, list) and field is not None and isinstance(field.shape, List) and field.shape.merges:
            patch |= _list(name, before.get(name), value, field)
        else:
            patch[name] = value
    return patch


def _inner(last: Json, wanted: Mapping[str, Json], field: Field | None) -> dict[str, Json]:
    if field is None:
        return _objects(last, wanted, None)
    patch = _objects(last, wanted, field.shape)
    return _retaining(patch, wanted) if field.retains_keys else patch


def _list(name: str, last: Json, wanted: Sequence[Json], field: Field) -> dict[str, Json]:
    """The list's member of the patch, and the directives beside it."""
    shape = field.shape
    assert isinstance(shape, List)
    before = {by_map_keys(shape, item, ""): item for item in last} if isinstance(last, list) else {}
    named = {by_map_keys(shape, item, "") for item in wanted}
    if None in named or len(named) < len(wanted):  # without identities: validation tells what is wrong with it
        return {name: [{DIRECTIVE: "replace"}, *wanted]} if shape.merge_key else {name: list(wanted)}
    gone = [item for identity, item in before.items() if identity is not None and identity not in named]
    if not shape.merge_key:
        return {name: list(wanted), ORDER + name: list(wanted), REMOVE + name: gone}
    items = [_item(before.get(by_map_keys(shape, item, "")), item, field, shape) for item in wanted]
    deleted = [{**_keys(shape, item), DIRECTIVE: "delete"} for item in gone]
    return {name: [*items, *deleted], ORDER + name: [_keys(shape, item) for item in wanted]}


def _item(last: Json, wanted: Json, field: Field, shape: List) -> dict[str, Json]:
    assert isinstance(wanted, dict)  # or it would have no identity
    patch = _objects(last, wanted, shape.item)
    return _retaining(patch, wanted) if field.retains_keys else patch


def _retaining(patch: dict[str, Json], wanted: Mapping[str, Json]) -> dict[str, Json]:
    """Naming one of several alternatives drops the others, also those that the server set."""
    return {**patch, RETAIN: [name for name, value in wanted.items() if value is not None]}


def _keys(shape: List, item: Json) -> dict[str, Json]:
    assert isinstance(item, dict)  # or it would have no identity
    return {key: item[key] for key in identifying(shape) if key in item}
