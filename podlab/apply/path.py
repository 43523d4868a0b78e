"""Steps on the way to a field, in the form in which FieldsV1 writes them.

`f:replicas` is a member, `k:{"name":"web"}` the item of a list that has these values of its keys, `v:"a"` the item of a
set itself, `i:0` an item by its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import orjson

from podlab.api.values.jsonvalues import Json

Step = str
Path = tuple[Step, ...]

MEMBER, KEYS, ITEM, PLACE = "f:", "k:", "v:", "i:"
# Steps are few and come again and again: the fields of all kinds, and keys of items that are written at the time.
_REMEMBERED = 1 << 14
_Order = tuple[object, ...]
_ORDER = {MEMBER: 0, KEYS: 1, ITEM: 2, PLACE: 3}
# Go's encoder writes these so within strings.
_SPECIAL = re.compile("[<>&\u2028\u2029]")
_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def member(name: str) -> Step:
    """The step to an object's member."""
    return MEMBER + name


def keys(values: Mapping[str, Json]) -> Step:
    """The step to the item of a list that has these values of its keys."""
    if len(values) == 1:
        [(name, value)] = values.items()
        if isinstance(value, str):
            return _named(name, value)
    return KEYS + _written(dict(sorted(values.items())))


def item(value: Json) -> Step:
    """The step to an item of a set."""
    return ITEM + _written(value)


@lru_cache(maxsize=_REMEMBERED)
def _named(name: str, value: str) -> Step:
    """By far most items are told apart by one text."""
    return KEYS + _written({name: value})


@lru_cache(maxsize=_REMEMBERED)
def read(text: str) -> Step | None:
    """The step that the text writes; None for one of a sort that nobody knows. Raises ValueError."""
    sort, content = text[:2], text[2:]
    if len(text) < 2 or sort[1] != ":":
        raise ValueError(f"{text!r} is no path element: expected one such as f:name")
    if sort == MEMBER:
        return text
    if sort == KEYS:
        values = orjson.loads(content)
        if not isinstance(values, dict):
            raise ValueError(f"{text!r}: expected an object with the keys of a list's item")
        return keys(values)
    if sort == ITEM:
        return item(orjson.loads(content))
    return PLACE + str(int(content)) if sort == PLACE else None


@lru_cache(maxsize=_REMEMBERED)
def order(step: Step) -> _Order:
    """What steps are sorted by: members by name, then items by their keys, values and places."""
    sort, content = step[:2], step[2:]
    if sort == MEMBER:
        return 0, content
    if sort == PLACE:
        return 3, int(content)
    value = orjson.loads(content)
    told = tuple((name, _value_order(one)) for name, one in value.items()) if sort == KEYS else _value_order(value)
    return _ORDER[sort], told


def shown(path: Path) -> str:
    """The path as people read it: .spec.containers[name="web"].image"""
    return "".join(map(_shown, path))


def _shown(step: Step) -> str:
    sort, content = step[:2], step[2:]
    if sort == MEMBER:
        return f".{content}"
    if sort == PLACE:
        return f"[{content}]"
    if sort == ITEM:
        return f"[={content}]"
    return (
        "[" + ",".join(f"{name}={orjson.dumps(value).decode()}" for name, value in orjson.loads(content).items()) + "]"
    )


def _written(value: Json) -> str:
    text = orjson.dumps(value).decode()
    return _SPECIAL.sub(lambda found: _ESCAPED[found[0]], text) if _SPECIAL.search(text) else text


def _value_order(value: Json) -> _Order:
    """Numbers before texts, texts before truth values, all else behind."""
    if isinstance(value, bool):
        return 2, value
    if isinstance(value, int | float):
        return 0, value
    if isinstance(value, str):
        return 1, value
    return (5, "") if value is None else (3 if isinstance(value, list) else 4, orjson.dumps(value))
