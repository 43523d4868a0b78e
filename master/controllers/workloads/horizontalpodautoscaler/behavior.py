"""How fast the number of pods may change, and how long a change is thought over.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#configurable-scaling-behavior
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil, floor

from master.controllers.workloads.horizontalpodautoscaler.replicas import TOLERANCE, Tolerances
from podlab.api.values import quantity
from podlab.autoscaling.v2.horizontalpodautoscaler_pb2 import (
    HorizontalPodAutoscalerSpec,
    HPAScalingPolicy,
    HPAScalingRules,
)

DOWN_WINDOW_S = 300
_KEPT_S = 3600
# What counts where nothing is said: up by 4 pods or twofold, down to none, every 15 s.
_UP = HPAScalingRules(
    selectPolicy="Max",
    stabilizationWindowSeconds=0,
    policies=[
        HPAScalingPolicy(type="Pods", value=4, periodSeconds=15),
        HPAScalingPolicy(type="Percent", value=100, periodSeconds=15),
    ],
)
_DOWN = HPAScalingRules(
    selectPolicy="Max",
    stabilizationWindowSeconds=DOWN_WINDOW_S,
    policies=[HPAScalingPolicy(type="Percent", value=100, periodSeconds=15)],
)


def tolerances_of(spec: HorizontalPodAutoscalerSpec) -> Tolerances:
    """What the autoscaler says, else the usual ones."""
    down, up = (
        quantity.parse(rules.tolerance) if rules.HasField("tolerance") else TOLERANCE
        for rules in (spec.behavior.scaleDown, spec.behavior.scaleUp)
    )
    return Tolerances(down, up)


@dataclass(frozen=True)
class ReplicaRecord:
    """A number of pods, and when (Unix time, seconds) it was recommended, or added, or taken away."""

    at: float
    pods: int


@dataclass(frozen=True)
class ScalingHistory:
    """What an autoscaler has recommended and done in the last hour."""

    recommended: tuple[ReplicaRecord, ...] = ()
    added: tuple[ReplicaRecord, ...] = ()
    removed: tuple[ReplicaRecord, ...] = ()

    def recommending(self, pods: int, now: float) -> ScalingHistory:
        return ScalingHistory((*_recent(self.recommended, now), ReplicaRecord(now, pods)), self.added, self.removed)

    def scaled(self, before: int, after: int, now: float) -> ScalingHistory:
        change = ReplicaRecord(now, abs(after - before))
        added, removed = _recent(self.added, now), _recent(self.removed, now)
        if after > before:
            return ScalingHistory(self.recommended, (*added, change), removed)
        return ScalingHistory(self.recommended, added, (*removed, change))


@dataclass(frozen=True)
class BoundedReplicas:
    """A number of pods, and why it is another than was wanted: empty when it is not."""

    pods: int
    reason: str = ""
    message: str = ""


@dataclass(frozen=True)
class ScalingRules:
    """Both directions, with what Kubernetes assumes for what is not given."""

    up: HPAScalingRules = field(default_factory=lambda: _UP)
    down: HPAScalingRules = field(default_factory=lambda: _DOWN)

    @classmethod
    def of(cls, spec: HorizontalPodAutoscalerSpec) -> ScalingRules:
        behavior = spec.behavior
        return cls(
            up=behavior.scaleUp if behavior.HasField("scaleUp") else _UP,
            down=behavior.scaleDown if behavior.HasField("scaleDown") else _DOWN,
        )


def stabilized(
    rules: ScalingRules, history: ScalingHistory, *, current: int, wanted: int, now: float
) -> BoundedReplicas:
    """No more than what was recommended all the time lately, and no less: by the window of each direction."""
    lowest = min([wanted, *_since(history.recommended, now - _window(rules.up, 0))])
    highest = max([wanted, *_since(history.recommended, now - _window(rules.down, DOWN_WINDOW_S))])
    result = min(max(current, lowest), highest)
    if result == wanted:
        return BoundedReplicas(wanted)
    if wanted >= current:
        why = "recent recommendations were lower than current one, applying the lowest recent recommendation"
        return BoundedReplicas(result, "ScaleUpStabilized", why)
    why = "recent recommendations were higher than current one, applying the highest recent recommendation"
    return BoundedReplicas(result, "ScaleDownStabilized", why)


def limited(
    rules: ScalingRules, history: ScalingHistory, *, current: int, wanted: int, least: int, most: int, now: float
) -> BoundedReplicas:
    """Within the autoscaler's bounds, and no faster than its policies allow."""
    if wanted > current:
        limit = max(current, _limit_up(rules.up, history, current, now))
        if wanted > min(most, limit):
            return _too_fast("increasing", "ScaleUpLimit", limit) if limit < most else _too_many(most)
    if wanted < current:
        limit = min(current, _limit_down(rules.down, history, current, now))
        if wanted < max(least, limit):
            return _too_fast("decreasing", "ScaleDownLimit", limit) if limit > least else _too_few(least)
    return BoundedReplicas(wanted)


def _too_fast(direction: str, reason: str, limit: int) -> BoundedReplicas:
    return BoundedReplicas(
        limit, reason, f"the desired replica count is {direction} faster than the maximum scale rate"
    )


def _too_many(most: int) -> BoundedReplicas:
    return BoundedReplicas(most, "TooManyReplicas", "the desired replica count is more than the maximum replica count")


def _too_few(least: int) -> BoundedReplicas:
    return BoundedReplicas(least, "TooFewReplicas", "the desired replica count is less than the minimum replica count")


def _limit_up(rules: HPAScalingRules, history: ScalingHistory, current: int, now: float) -> int:
    if rules.selectPolicy == "Disabled":
        return current
    limits = []
    for policy in rules.policies:
        start = _at_begin(history, current, policy, now)
        more = start * policy.value / 100 if policy.type == "Percent" else policy.value
        limits.append(start + ceil(more))
    return min(limits) if rules.selectPolicy == "Min" else max(limits)


def _limit_down(rules: HPAScalingRules, history: ScalingHistory, current: int, now: float) -> int:
    if rules.selectPolicy == "Disabled":
        return current
    limits = []
    for policy in rules.policies:
        start = _at_begin(history, current, policy, now)
        limits.append(floor(start * (100 - policy.value) / 100) if policy.type == "Percent" else start - policy.value)
    return max(limits) if rules.selectPolicy == "Min" else min(limits)


def _at_begin(history: ScalingHistory, current: int, policy: HPAScalingPolicy, now: float) -> int:
    """How many pods there were when the policy's period began."""
    begin = now - policy.periodSeconds
    return current - sum(_since(history.added, begin)) + sum(_since(history.removed, begin))


def _window(rules: HPAScalingRules, otherwise: int) -> int:
    return rules.stabilizationWindowSeconds if rules.HasField("stabilizationWindowSeconds") else otherwise


def _since(marks: Iterable[ReplicaRecord], begin: float) -> list[int]:
    return [mark.pods for mark in marks if mark.at > begin]


def _recent(marks: Iterable[ReplicaRecord], now: float) -> tuple[ReplicaRecord, ...]:
    return tuple(mark for mark in marks if mark.at > now - _KEPT_S)
