"""Field sets as managedFields write them: FieldsV1, a tree of JSON objects in which `.` stands for a field itself.

See https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/ (fieldsV1).
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from podlab.api.values.jsonvalues import Json, clipped, described
from podlab.apply import path
from podlab.apply.field_set import FieldSet, made
from podlab.apply.path import Step

_ITSELF = "."
_MOST_LEVELS = 200
_Tree = dict[str, "_Tree"]


def encode(fields: FieldSet) -> bytes:
    """The set's JSON, its fields in Kubernetes' order."""
    return orjson.dumps(_tree(fields, is_member=False))


def decode(text: bytes) -> FieldSet:
    """The set that the JSON writes; steps of a sort that nobody knows are left out. Raises ValueError."""
    return _read(orjson.loads(text), 0)[1]


def _tree(fields: FieldSet, *, is_member: bool) -> _Tree:
    tree: _Tree = {_ITSELF: {}} if is_member else {}
    members, children = fields.members, fields.children
    for step in _sorted(members | children.keys() if children else members):
        below = children.get(step)
        tree[step] = {} if below is None else _tree(below, is_member=step in members)
    return tree


def _sorted(steps: frozenset[Step]) -> list[Step]:
    """Members are sorted by their names, which is far faster than to ask each step for its order."""
    ordered = sorted(steps)
    if ordered and not ordered[-1].startswith(path.MEMBER):  # all other sorts of steps come after members
        ordered.sort(key=path.order)
    return ordered


def _read(tree: Json, level: int) -> tuple[bool, FieldSet]:
    """Whether the field is a member itself, and what is below it."""
    if not isinstance(tree, dict | None):
        raise ValueError(f"fieldsV1: expected an object, found {described(tree)}")  # noqa: TRY004
    if level > _MOST_LEVELS:
        raise ValueError(f"fieldsV1: nested deeper than {_MOST_LEVELS} levels")
    members: set[Step] = set()
    children: dict[Step, FieldSet] = {}
    for text, inner in _steps(tree or {}).items():
        is_member, below = _read(inner, level + 1)
        if is_member:
            members.add(text)
        if below:
            children[text] = below
    below = made(members, children)
    return not below or _ITSELF in (tree or {}), below


def _steps(tree: Mapping[str, Json]) -> dict[Step, Json]:
    found: dict[Step, Json] = {}
    for text, inner in tree.items():
        if text == _ITSELF:
            continue
        try:
            step = path.read(text)
        except ValueError as error:
            raise ValueError(f"fieldsV1: {clipped(text)}: {error}") from error
        if step is not None:
            found[step] = inner
    return found
