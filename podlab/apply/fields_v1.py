"""Field sets as managedFields write them: FieldsV1, a tree of JSON objects in which `.` stands for a field itself.

See https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/ (fieldsV1).
"""

from __future__ import annotations

from functools import lru_cache

import orjson

from podlab.api.values.jsonvalues import Json, clipped, described
from podlab.apply import path
from podlab.apply.field_set import EMPTY, FieldSet, shared
from podlab.apply.path import Step

_ITSELF = "."
_MOST_LEVELS = 200
# Texts of parts up to this size are kept: longer ones are put together of theirs.
_KEPT_BYTES = 512
_REMEMBERED = 1 << 14


def encode(fields: FieldSet) -> bytes:
    """The set's JSON, its fields in Kubernetes' order."""
    return b"".join((b"{", _text(fields), b"}"))


def decode(text: bytes) -> FieldSet:
    """The set that the JSON writes; steps of a sort that nobody knows are left out. Raises ValueError."""
    tree = orjson.loads(text)
    return EMPTY if tree is None else _read(tree, 0)


def _text(fields: FieldSet) -> bytes:
    """What stands between the braces. Parts of most sets have been written before, as parts of others."""
    if fields.text:
        return fields.text
    members, children = fields.members, fields.children
    parts: list[bytes] = []
    for step in _sorted(members | children.keys() if children else members):
        below = children.get(step)
        if below is None:
            parts.append(_leaf(step))
        else:
            parts += (_opened(step, step in members), _text(below), b"},")
    text = b"".join(parts)[:-1]
    if len(text) <= _KEPT_BYTES:
        fields.text = text
    return text


@lru_cache(maxsize=_REMEMBERED)
def _leaf(step: Step) -> bytes:
    return orjson.dumps(step) + b":{},"


@lru_cache(maxsize=_REMEMBERED)
def _opened(step: Step, is_member: bool) -> bytes:
    return orjson.dumps(step) + (b':{".":{},' if is_member else b":{")


def _sorted(steps: frozenset[Step]) -> list[Step]:
    """Members are sorted by their names, which is far faster than to ask each step for its order."""
    ordered = sorted(steps)
    if ordered and not ordered[-1].startswith(path.MEMBER):  # all other sorts of steps come after members
        ordered.sort(key=path.order)
    return ordered


def _read(tree: Json, level: int) -> FieldSet:
    if not isinstance(tree, dict):
        raise ValueError(f"fieldsV1: expected an object, found {described(tree)}")  # noqa: TRY004
    if level > _MOST_LEVELS:
        raise ValueError(f"fieldsV1: nested deeper than {_MOST_LEVELS} levels")
    members: list[Step] = []
    children: dict[Step, FieldSet] = {}
    for text, inner in tree.items():
        if text == _ITSELF or (step := _step(text)) is None:
            continue
        below = EMPTY if inner is None or inner == {} else _read(inner, level + 1)
        if below:
            children[step] = below
        if not below or _ITSELF in inner:
            members.append(step)
    return shared(members, children) if members or children else EMPTY


def _step(text: str) -> Step | None:
    try:
        return path.read(text)
    except ValueError as error:
        raise ValueError(f"fieldsV1: {clipped(text)}: {error}") from error
