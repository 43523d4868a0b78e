"""How many pods a load needs: as many as bring what each uses to what is aimed at.

What is not known is assumed to be what holds the change back: pods without figures use all that they may when there
would be fewer pods, and nothing when there would be more; so do pods that are not ready yet.
https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

from master.controllers.workloads.horizontalpodautoscaler.samples import PodGroups

TOLERANCE = 0.1


@dataclass(frozen=True)
class ReplicaNeed:
    """How many pods, and what each uses on average: thousandths of a unit, and percent of what it requests."""

    replicas: int
    average: int
    utilization: int | None = None


def by_utilization(current: int, groups: PodGroups, requests: Mapping[str, int], target: int) -> ReplicaNeed:
    """`requests` are thousandths by pod, `target` is in percent of them. ValueError when nothing is known."""

    def ratio(used: Mapping[str, int]) -> float:
        return _utilization(used, requests) / target

    assumed = {name: requests[name] * max(100, target) // 100 for name in groups.missing}
    used = groups.ready
    utilization = _utilization(used, requests)
    return ReplicaNeed(_replicas(current, groups, ratio, assumed), sum(used.values()) // len(used), utilization)


def by_average(current: int, groups: PodGroups, target: int) -> ReplicaNeed:
    """`target` is in thousandths of a unit for each pod."""

    def ratio(used: Mapping[str, int]) -> float:
        return sum(used.values()) // len(used) / target

    assumed = dict.fromkeys(groups.missing, target)
    used = groups.ready
    return ReplicaNeed(_replicas(current, groups, ratio, assumed), sum(used.values()) // len(used))


def _utilization(used: Mapping[str, int], requests: Mapping[str, int]) -> int:
    wanted = sum(requests[name] for name in used)
    if not wanted:
        raise ValueError("no metrics returned matched known pods")
    return sum(used.values()) * 100 // wanted


def _replicas(
    current: int, groups: PodGroups, ratio: Callable[[Mapping[str, int]], float], assumed: Mapping[str, int]
) -> int:
    first = ratio(groups.ready)
    grows = first > 1
    if not groups.missing and not (grows and groups.unready):
        return current if _is_near(first) else ceil(first * len(groups.ready))
    used = dict(groups.ready)
    if first < 1:
        used |= assumed
    elif grows:
        used |= dict.fromkeys((*groups.missing, *groups.unready), 0)
    second = ratio(used)
    if _is_near(second) or (first < 1 < second) or (second < 1 < first):
        return current
    wanted = ceil(second * len(used))
    turns = wanted > current if second < 1 else wanted < current
    return current if turns else wanted


def _is_near(ratio: float) -> bool:
    return 1 - TOLERANCE <= ratio <= 1 + TOLERANCE  # abs(1 - 1.1) is a float's last bit too much
