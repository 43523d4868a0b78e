"""The plugins for the pods of one scheduler name, in order and with weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from master.scheduler.plugins.default_preemption import DefaultPreemption
from master.scheduler.plugins.dynamic_resources import BINDING_TIMEOUT_S, DynamicResources
from master.scheduler.plugins.protocol import Filter, Follows, Score
from master.scheduler.plugins.volume_binding import BIND_TIMEOUT_S

DEFAULT_NAME = "default-scheduler"


@dataclass(frozen=True)
class WeightedScore:
    """A score plugin and its weight."""

    plugin: Score
    weight: int


@dataclass(frozen=True)
class Profile:
    """Filters run in the order of `filters`, but those that follow the cluster after all others.

    Without `preemption` no pods are evicted for its pods. `bind_timeout_s` is how long binding waits for volumes.
    Without `devices` its pods get none for their ResourceClaims; `gives_up_claims`: what they cannot use on any node
    is free for others.
    """

    scheduler_name: str
    filters: tuple[Filter, ...]
    scores: tuple[WeightedScore, ...]
    preemption: DefaultPreemption | None = field(default_factory=DefaultPreemption)
    bind_timeout_s: float = BIND_TIMEOUT_S
    devices: DynamicResources | None = None
    gives_up_claims: bool = True

    @property
    def device_timeout_s(self) -> float:
        """How long binding waits for devices."""
        return self.devices.binding_timeout_s if self.devices is not None else BINDING_TIMEOUT_S

    @property
    def ordered_filters(self) -> list[tuple[int, Filter]]:
        """The filters with their places in `filters`, in the order in which they run."""
        return [each for follows in Follows for each in self.filters_by_follows[follows]]

    @cached_property
    def filters_by_follows(self) -> Mapping[Follows, Sequence[tuple[int, Filter]]]:
        """The filters with their places in `filters`, by what they follow."""
        placed = list(enumerate(self.filters))
        return {follows: [each for each in placed if each[1].follows is follows] for follows in Follows}
