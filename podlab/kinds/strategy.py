"""How a kind differs from others when its objects are written. What the rules of kinds take is not imported here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from podlab.kinds.parts import TYPED, Parts
from podlab.meta.v1 import meta_pb2

if TYPE_CHECKING:
    from podlab.kinds.validation.rules import Rules

Warn = Callable[[Any, Any], list[str]]
"""Takes an object and the one that it replaces, None for a new one. Status is not looked at."""


class Author(Protocol):
    """Whoever makes an object."""

    @property
    def name(self) -> str: ...
    @property
    def uid(self) -> str: ...
    @property
    def groups(self) -> AbstractSet[str]: ...
    @property
    def extra(self) -> Mapping[str, tuple[str, ...]]: ...


def nothing(*_: Any) -> None:
    """For kinds that need no more than all do."""


def no_warnings(*_: Any) -> list[str]:
    """There is nothing to say of the kind."""
    return []


def _no_grace(*_: Any) -> int:
    """For objects that nobody has to wait for."""
    return 0


def _not_held(_: Any) -> bool:
    """For objects that nothing holds but their finalizers."""
    return False


def _anything() -> Rules:
    from podlab.kinds.validation.rules import ANYTHING

    return ANYTHING


@dataclass(frozen=True, slots=True)
class Strategy:
    """One kind's part in writes. The hooks change the new message, after defaults and before validation: they are pure
    functions of what they are given."""

    parts: Parts = TYPED
    """How its objects are taken apart."""
    counts_generations: bool = False
    """Whether metadata.generation follows changes of what its user asks for."""
    keeps_status_at_create: bool = False
    orphans: bool = False
    """Whether a deletion that does not say leaves the object's own objects alone."""
    fixed_marks: frozenset[str] = frozenset()
    """The fields of metadata that a write of a subresource leaves alone, though others of its marks may change."""
    set_defaults: Callable[[Any], None] = nothing
    """Fills in what the author left out. Doing it again changes nothing."""
    inherit: Callable[[Any, Any], None] = nothing
    """Fills the new object, before it has its defaults, with what the old one had and its author did not say."""
    rules: Rules = field(default_factory=_anything)
    warn: Warn = no_warnings
    prepare_for_create: Callable[[Any], None] = nothing
    record_author: Callable[[Any, Author], None] = nothing
    """Says in a new object who makes it."""
    prepare_for_update: Callable[[Any, Any], None] = nothing
    """Takes the new object and the old one, as the next does."""
    prepare_for_status_update: Callable[[Any, Any, meta_pb2.Time], None] = nothing
    """Takes the time, too."""
    grace_period_s: Callable[[Any, int | None], int] = _no_grace
    """How long a deletion waits for who runs the object, and how long it was asked to; None when nobody asked."""
    prepare_for_deletion: Callable[[Any], None] = nothing
    read_stored: Callable[[bytes], bytes] | None = None
    """What becomes of an object that was stored when its kind was not yet what it is; None: what is stored stays."""
    is_held: Callable[[Any], bool] = _not_held
    """Whether it stays, though it is deleted and has no finalizers."""

    @property
    def adds_to_new(self) -> bool:
        """Whether a new object gets more than its author sends, and its defaults."""
        return self.prepare_for_create is not nothing or self.record_author is not nothing

    @property
    def adds_to_changed(self) -> bool:
        """The same of an object that is updated."""
        return self.prepare_for_update is not nothing
