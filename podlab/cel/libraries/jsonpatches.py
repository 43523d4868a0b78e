"""JSON Pointers for JSON patches. Source: RFC 6901, section 3."""

from __future__ import annotations

from podlab.cel import costs
from podlab.cel.declarations import Library, function


def escape_key(key: str) -> str:
    """The key of a map as a part of a path: `~` is written ~0, and `/` ~1."""
    return key.replace("~", "~0").replace("/", "~1")


LIBRARY = Library(
    {"jsonpatch.escapeKey": (function("string", escape_key, "string", cost=costs.first_twice),)},
    types={},
)
