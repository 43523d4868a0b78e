"""How a kind differs from others when its objects are written. What the rules of kinds take is not imported here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podlab.kinds.validation.rules import Rules

Warn = Callable[[Any, Any], list[str]]
"""Takes an object and the one that it replaces, None for a new one. Status is not looked at."""


def nothing(*_: Any) -> None:
    """For kinds that need no more than all do."""


def no_warnings(*_: Any) -> list[str]:
    """There is nothing to say of the kind."""
    return []


def _anything() -> Rules:
    from podlab.kinds.validation.rules import ANYTHING

    return ANYTHING


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
    set_defaults: Callable[[Any], None] = nothing
    """Fills in what the author left out. Doing it again changes nothing."""
    inherit: Callable[[Any, Any], None] = nothing
    """Fills the new object, before it has its defaults, with what the old one had and its author did not say."""
    rules: Rules = field(default_factory=_anything)
    warn: Warn = no_warnings
    prepare_for_create: Callable[[Any], None] = nothing
    prepare_for_update: Callable[[Any, Any], None] = nothing
    """Takes the new object and the old one, as the next does."""
    prepare_for_status_update: Callable[[Any, Any], None] = nothing
