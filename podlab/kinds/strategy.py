"""How a kind differs from others when its objects are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def nothing(*_: Any) -> None:
    """For kinds that need no more than all do."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """One kind's part in writes. The hooks change the new message, after defaults and before validation: they are pure
    functions of what they are given."""

    counts_generations: bool = False
    """Whether metadata.generation follows changes of what its user asks for."""
    keeps_status_at_create: bool = False
    graceful: bool = False
    """Whether a deletion waits for the node that runs it."""
    orphans: bool = False
    """Whether a deletion that does not say leaves the object's own objects alone."""
    claims: bool = False
    """Whether it holds addresses or ports that nobody else may hold."""
    fixed_mark: str = ""
    """The field of metadata that a write of a subresource leaves alone, though others of its marks may change."""
    prepare_for_create: Callable[[Any], None] = nothing
    prepare_for_update: Callable[[Any, Any], None] = nothing
    """Takes the new object and the old one, as the next does."""
    prepare_for_status_update: Callable[[Any, Any], None] = nothing


PLAIN = Strategy()
"""Of kinds that differ in nothing."""
