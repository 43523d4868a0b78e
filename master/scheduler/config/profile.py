"""Which plugins judge the pods of one scheduler name, in which order and with which weight."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from master.scheduler.plugins.default_preemption import DefaultPreemption
from master.scheduler.plugins.protocol import Filter, Follows, Score
from master.scheduler.plugins.volume_binding import BIND_TIMEOUT_S

DEFAULT_NAME = "default-scheduler"


@dataclass(frozen=True)
class Weighted:
    """A score plugin, and how much it counts."""

    plugin: Score
    weight: int


@dataclass(frozen=True)
class Profile:
    """`filters` are asked in their order, but those that follow the whole cluster after all others.

    Without `preemption` nobody makes room for its pods; `bind_timeout_s` is how long volumes may take.
    """

    scheduler_name: str
    filters: tuple[Filter, ...]
    scores: tuple[Weighted, ...]
    preemption: DefaultPreemption | None = field(default_factory=DefaultPreemption)
    bind_timeout_s: float = BIND_TIMEOUT_S

    @cached_property
    def in_order(self) -> tuple[tuple[int, Filter], ...]:
        """The filters with their places in `filters`, as they are asked."""
        order = list(Follows)
        return tuple(sorted(enumerate(self.filters), key=lambda each: order.index(each[1].follows)))
