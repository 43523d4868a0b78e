"""JSON values, and how messages for people name them. Knows nothing of protobuf."""

from __future__ import annotations

from typing import Any

Json = Any
# What somebody sends may be long: paths are built of it for each part, and told in errors.
_SHOWN = 200
_SHOWN_VALUE = 60


def described(value: object) -> str:
    """A JSON value for people: its type, and the value itself where it is short."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return f"boolean {str(value).lower()}"
    shown = repr(value) if isinstance(value, str) else str(value)
    kind = "string" if isinstance(value, str) else "number"
    return f"{kind} {shown if len(shown) <= _SHOWN_VALUE else shown[: _SHOWN_VALUE - 3] + '...'}"


def clipped(text: str) -> str:
    """What an error tells of names and paths that somebody sent."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
