"""The scoring strategies of NodeResourcesFit.

https://kubernetes.io/docs/concepts/scheduling-eviction/resource-bin-packing/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_SCORE = 100
MAX_SHAPE_SCORE = 10  # of a point of the shape
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Point:
    """The score, 0 to 10, at a utilization in percent."""

    utilization: int
    score: int


@dataclass(frozen=True)
class WeightedResource:
    """A resource that is scored, and its weight."""

    name: str
    weight: int


@dataclass(frozen=True)
class Strategy:
    """`kind` is LeastAllocated, MostAllocated or RequestedToCapacityRatio; only the last has a shape."""

    kind: str = "LeastAllocated"
    resources: Sequence[WeightedResource] = (WeightedResource("cpu", 1), WeightedResource("memory", 1))
    shape: Sequence[Point] = ()

    def combined(self, used: Sequence[Integers], capacity: Sequence[Integers]) -> Integers:
        """The score, 0 to 100, by `used` and `capacity` of the resources in order. Without capacity none counts."""
        points = np.zeros_like(used[0])
        weights = np.zeros_like(used[0])
        for resource, each_used, each_capacity in zip(self.resources, used, capacity, strict=True):
            scores = self._of_one(each_used, each_capacity)
            counted = each_capacity > 0
            if self.kind == "RequestedToCapacityRatio":
                counted &= scores > 0
            points += resource.weight * scores * counted
            weights += resource.weight * counted
        if self.kind == "RequestedToCapacityRatio":
            return np.floor(points / np.maximum(weights, 1) + 0.5).astype(np.int64)
        combined: Integers = points // np.maximum(weights, 1)
        return combined

    def _of_one(self, used: Integers, capacity: Integers) -> Integers:
        most = np.maximum(capacity, 1)
        if self.kind == "LeastAllocated":
            least: Integers = np.maximum(capacity - used, 0) * MAX_SCORE // most
            return least
        if self.kind == "MostAllocated":
            full: Integers = np.minimum(used, capacity) * MAX_SCORE // most
            return full
        return self._by_shape(np.where(used > capacity, MAX_SCORE, used * MAX_SCORE // most))

    def _by_shape(self, percent: Integers) -> Integers:
        """Interpolated linearly between the points; the distance from a point is rounded towards zero."""
        scale = MAX_SCORE // MAX_SHAPE_SCORE
        scores = np.full_like(percent, self.shape[-1].score * scale)
        for low, high in reversed(list(zip(self.shape, self.shape[1:], strict=False))):
            run, rise = high.utilization - low.utilization, (high.score - low.score) * scale
            step = rise * (percent - low.utilization)
            line = low.score * scale + np.sign(step) * (np.abs(step) // run)
            scores = np.where(percent <= high.utilization, line, scores)
        first = self.shape[0]
        return np.where(percent <= first.utilization, first.score * scale, scores)
