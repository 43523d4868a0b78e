"""Members that a JSON text says twice, told together with those that nobody knows. Pure.

Parsers keep the last of them without a word; the text itself has to be looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from podlab.errors import MOST_CAUSES, BadRequest

_ESCAPED_COLON = rb"\u003a"
Pairs = list[tuple[str, Any]]


class _Object:
    """An object as it is written."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs


def described(text: bytes, unknown: Sequence[str], value: object) -> list[str]:
    """What is to be said of both, in the order of the text, as Kubernetes' reader meets them, and no more than it says.

    The text is JSON, which a parser that keeps the last of several members has read as `value`; empty for what is none.
    `unknown` holds the paths of unknown fields.
    """
    places = _places(text) if text and not is_free(text, value) else []
    repeated = [path for path, again in places if again]
    words = [f'unknown field "{path}"' for path in unknown]
    if not repeated or not unknown:
        return (words or [f'duplicate field "{path}"' for path in repeated])[:MOST_CAUSES]
    left = set(unknown)
    ordered: list[str] = []
    for path, again in places:
        if again:
            ordered.append(f'duplicate field "{path}"')
        elif path in left:
            left.remove(path)
            ordered.append(f'unknown field "{path}"')
    return [*ordered, *(f'unknown field "{path}"' for path in unknown if path in left)][:MOST_CAUSES]


def is_free(text: bytes, value: object) -> bool:
    """Whether it is certain that the text, which was read as `value`, says nothing twice.

    A colon stands behind each member's name, or in a string. What was read has all strings but those of members that
    were dropped, and is written with as many colons as it has. So both have as many if, and only if, none was dropped;
    but for texts that write a colon as an escape, of which nothing is certain. This reads the text at the speed of C.
    """
    if _ESCAPED_COLON in text.lower():
        return False
    try:
        return orjson.dumps(value).count(b":") == text.count(b":")
    except orjson.JSONEncodeError:  # it is nested deeper than is written
        return False


def paths(text: bytes) -> list[str]:
    """Where JSON that can be parsed says something twice: metadata.labels.a, spec.containers[0].image."""
    return [path for path, again in _places(text) if again]


def _places(text: bytes) -> list[tuple[str, bool]]:
    """All members' paths, and whether it is said for another time; none when nothing is."""
    found = False

    def look(pairs: Pairs) -> None:
        nonlocal found
        found = found or len({key for key, _ in pairs}) < len(pairs)

    try:
        json.loads(text, object_pairs_hook=look)
        if not found:
            return []
        return [
            (path.removeprefix("."), again) for path, again in _below(json.loads(text, object_pairs_hook=_Object), "")
        ]
    except RecursionError as error:
        raise BadRequest("the body of the request is nested too deeply") from error


def _below(value: Any, path: str) -> Iterator[tuple[str, bool]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _below(item, f"{path}[{index}]")
    elif isinstance(value, _Object):
        seen: set[str] = set()
        for key, inner in value.pairs:
            yield f"{path}.{key}", key in seen
            seen.add(key)
            yield from _below(inner, f"{path}.{key}")
