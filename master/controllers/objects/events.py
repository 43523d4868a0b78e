"""Events as deciding modules describe them; controllers record them."""

from __future__ import annotations

from typing import NamedTuple


class ObjectEvent(NamedTuple):
    """An Event about the object that was decided on. `type` is Normal or Warning."""

    type: str
    reason: str
    message: str
