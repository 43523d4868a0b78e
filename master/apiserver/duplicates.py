"""Members that a JSON text says twice. Pure.

Parsers keep the last of them without a word; the text itself has to be looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from podlab.errors import BadRequest

Pairs = list[tuple[str, Any]]


class _Object:
    """An object as it is written."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs


def paths(text: bytes) -> list[str]:
    """Where JSON that can be parsed says something twice: metadata.labels.a, spec.containers[0].image."""
    found = False

    def look(pairs: Pairs) -> None:
        nonlocal found
        found = found or len({key for key, _ in pairs}) < len(pairs)

    try:
        json.loads(text, object_pairs_hook=look)
        return (
            [path.removeprefix(".") for path in _below(json.loads(text, object_pairs_hook=_Object), "")]
            if found
            else []
        )
    except RecursionError as error:
        raise BadRequest("the body of the request is nested too deeply") from error


def _below(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _below(item, f"{path}[{index}]")
    elif isinstance(value, _Object):
        seen: set[str] = set()
        for key, inner in value.pairs:
            if key in seen:
                yield f"{path}.{key}"
            seen.add(key)
            yield from _below(inner, f"{path}.{key}")
