"""NodeResourcesBalancedAllocation: prefers nodes whose resources would be used to like shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.plugins.node_resources_fit import is_extended
from master.scheduler.plugins.protocol import MAX_SCORE, Follows, Scores


class NodeResourcesBalancedAllocation:
    name = "NodeResourcesBalancedAllocation"
    follows = Follows.ROOM
    normalize = None

    def __init__(self, resources: Sequence[str] = ("cpu", "memory")) -> None:
        self._resources = resources

    def score(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Scores | None:
        asked = info.shape.demands.requested
        names = [name for name in self._resources if name in asked or not is_extended(name)]
        if not any(name in asked for name in names):
            return None  # it would send all pods without requests to the node that is most in balance
        resources = nodes.resources
        shares: list[NDArray[np.float64]] = []
        for name in names:
            line = resources.line(name)
            used = resources.used[line, rows] + asked.get(name, 0)
            capacity = resources.capacity[line, rows]
            shares.append(np.where(capacity > 0, np.minimum(used / np.maximum(capacity, 1), 1.0), np.nan))
        scores: Scores = ((1.0 - _deviation(shares)) * MAX_SCORE).astype(np.int64)
        return scores


def _deviation(shares: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The standard deviation; what a node has none of does not count."""
    if len(shares) == 2:  # half their distance: as below, but cheaper
        return np.nan_to_num(np.abs(shares[0] - shares[1]) / 2)
    there = ~np.isnan(shares)
    number = np.maximum(there.sum(axis=0), 1)
    values = np.nan_to_num(shares)
    mean = values.sum(axis=0) / number
    deviation: NDArray[np.float64] = np.sqrt((there * (values - mean) ** 2).sum(axis=0) / number)
    return deviation
