"""How many pods a load needs: as many as bring what each uses to what is aimed at.

What is not known is assumed to be what holds the change back: pods without figures use all that they may when there
would be fewer pods, and nothing when there would be more; so do pods that are not ready yet.
https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from master.controllers.workloads.horizontalpodautoscaler.samples import PodGroups

TOLERANCE = Fraction(1, 10)


@dataclass(frozen=True)
class Tolerances:
    """How far the load may be below and above what is aimed at, as parts of that, before there is a change."""

    down: Fraction = TOLERANCE
    up: Fraction = TOLERANCE

    def allow(self, ratio: Fraction) -> bool:
        """Whether the load, as so much of what is aimed at, changes nothing."""
        return 1 - self.down <= ratio <= 1 + self.up


@dataclass(frozen=True)
class ReplicaNeed:
    """How many pods, and what each uses on average: thousandths of a unit, and percent of what it requests."""

    replicas: int
    average: int
    utilization: int | None = None


def by_utilization(
    current: int, groups: PodGroups, requests: Mapping[str, int], target: int, tolerances: Tolerances
) -> ReplicaNeed:
    """`requests` are thousandths by pod, `target` is in percent of them. ValueError when nothing is known."""

    def ratio(used: Mapping[str, int]) -> Fraction:
        return Fraction(_utilization(used, requests), target)

    assumed = {name: requests[name] * max(100, target) // 100 for name in groups.missing}
    used = groups.ready
    utilization = _utilization(used, requests)
    wanted = _replicas(current, groups, ratio, assumed, tolerances)
    return ReplicaNeed(wanted, sum(used.values()) // len(used), utilization)


def by_average(current: int, groups: PodGroups, target: int, tolerances: Tolerances) -> ReplicaNeed:
    """`target` is in thousandths of a unit for each pod."""

    def ratio(used: Mapping[str, int]) -> Fraction:
        return Fraction(sum(used.values()) // len(used), target)

    assumed = dict.fromkeys(groups.missing, target)
    used = groups.ready
    return ReplicaNeed(_replicas(current, groups, ratio, assumed, tolerances), sum(used.values()) // len(used))


def _utilization(used: Mapping[str, int], requests: Mapping[str, int]) -> int:
    wanted = sum(requests[name] for name in used)
    if not wanted:
        raise ValueError("no metrics returned matched known pods")
    return sum(used.values()) * 100 // wanted


def _replicas(
    current: int,
    groups: PodGroups,
    ratio: Callable[[Mapping[str, int]], Fraction],
    assumed: Mapping[str, int],
    tolerances: Tolerances,
) -> int:
    first = ratio(groups.ready)
    grows = first > 1
    if not groups.missing and not (grows and groups.unready):
        return current if tolerances.allow(first) else ceil(first * len(groups.ready))
    used = dict(groups.ready)
    if first < 1:
        used |= assumed
    elif grows:
        used |= dict.fromkeys((*groups.missing, *groups.unready), 0)
    second = ratio(used)
    if tolerances.allow(second) or (first < 1 < second) or (second < 1 < first):
        return current
    wanted = ceil(second * len(used))
    turns = wanted > current if second < 1 else wanted < current
    return current if turns else wanted
