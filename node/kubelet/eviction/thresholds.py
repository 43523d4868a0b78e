"""When a node is under pressure: levels compared with thresholds, over time. Pure.

https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#eviction-thresholds
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from node.kubelet.eviction.signals import SIGNALS, Level, Levels
from node.kubelet.settings import EvictionSettings
from podlab.api.values import quantity
from podlab.settings import SettingsError


@dataclass(frozen=True)
class Threshold:
    """Too little of a signal, for as long as `grace_s`; 0: at once, which is a hard threshold.

    `amount` and `min_reclaim` are quantities, or shares of the capacity ("10%").
    """

    signal: str
    amount: str
    grace_s: float = 0.0
    min_reclaim: str = "0"

    @property
    def is_hard(self) -> bool:
        return self.grace_s == 0.0

    def is_met(self, level: Level, *, with_reclaim: bool = False) -> bool:
        """Whether less than the threshold is left; with the reclaim that was asked for on top of it, if wanted."""
        wanted = amount_of(self.amount, level.capacity)
        if with_reclaim:
            wanted += amount_of(self.min_reclaim, level.capacity)
        return level.available < wanted


@dataclass(frozen=True)
class Pressure:
    """What was found so far. Times are seconds of a monotonic clock."""

    # Thresholds that are met, and since when.
    met: Mapping[Threshold, float] = field(default_factory=dict)
    # Of those, the ones whose grace is over: something is to be reclaimed.
    due: tuple[Threshold, ...] = ()
    # When each of the node's conditions was last found to be true.
    seen: Mapping[str, float] = field(default_factory=dict)


def of_settings(settings: EvictionSettings) -> tuple[Threshold, ...]:
    """Raises SettingsError for a signal that there is none of, and for an amount that is none."""
    _check_names(settings)
    reclaim = settings.minimum_reclaim
    try:
        hard = [Threshold(name, amount, 0.0, reclaim.get(name, "0")) for name, amount in settings.hard.items()]
        soft = [
            Threshold(name, amount, settings.soft_grace_period_s[name], reclaim.get(name, "0"))
            for name, amount in settings.soft.items()
        ]
        for each in (*hard, *soft):
            amount_of(each.amount, 100)
            amount_of(each.min_reclaim, 100)
    except ValueError as error:
        raise SettingsError(f"eviction: {error}") from error
    return (*hard, *soft)


def _check_names(settings: EvictionSettings) -> None:
    for name in (*settings.hard, *settings.soft, *settings.minimum_reclaim):
        if name not in SIGNALS:
            raise SettingsError(f"eviction: {name!r} is no signal; known ones are {', '.join(SIGNALS)}")
    for name in settings.soft:
        if settings.soft_grace_period_s.get(name, 0.0) <= 0:
            raise SettingsError(f"eviction.soft_grace_period_s.{name}: a soft threshold needs a grace period above 0")


def amount_of(text: str, capacity: int) -> int:
    """Of a quantity, or of a share of the capacity. Raises ValueError when it is neither, or negative."""
    if text.endswith("%"):
        share = Fraction(text[:-1])
        if not 0 <= share <= 100:
            raise ValueError(f"{text!r} is not between 0% and 100%")
        return int(capacity * share / 100)
    amount = quantity.value(text)
    if amount < 0:
        raise ValueError(f"{text!r} is negative")
    return amount


def step(
    before: Pressure, thresholds: Iterable[Threshold], levels: Levels, now: float, transition_period_s: float
) -> Pressure:
    """What is found at `now`. A threshold that was due stays so until the minimum has been reclaimed, too."""
    known = {each: levels[each.signal] for each in thresholds if each.signal in levels}
    met = {
        each: before.met.get(each, now)
        for each, level in known.items()
        if each.is_met(level) or (each in before.due and each.is_met(level, with_reclaim=True))
    }
    conditions = {SIGNALS[each.signal].condition for each in met}
    seen = dict.fromkeys(conditions, now) | {
        name: at for name, at in before.seen.items() if name not in conditions and now - at < transition_period_s
    }
    due = sorted((each for each, since in met.items() if now - since >= each.grace_s), key=_order)
    return Pressure(met, tuple(due), seen)


def _order(threshold: Threshold) -> tuple[int, bool]:
    """The order in which something is done about them: by signal, the hard one first."""
    return list(SIGNALS).index(threshold.signal), not threshold.is_hard
