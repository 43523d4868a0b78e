"""One rule as it was understood. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from node.tracing.effects import Effect, End, LookUp, SendTo, To
from node.tracing.matches import Match


@dataclass(frozen=True)
class Rule:
    """All matches must hold; then the effects come one after another. Without any it only counts."""

    matches: tuple[Match, ...] = ()
    effects: tuple[Effect, ...] = ()
    comment: str = ""

    @property
    def decides(self) -> bool:
        """Whether it can end a packet's way or turn it, beyond leading to another chain."""
        return any(isinstance(each, End | SendTo | LookUp) for each in self.effects)

    @property
    def leads_to(self) -> tuple[str, ...]:
        return tuple(chain for each in self.effects if isinstance(each, To) for chain in each.chains)
