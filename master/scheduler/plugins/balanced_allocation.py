"""NodeResourcesBalancedAllocation: prefers nodes whose resources would be used to equal shares."""

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
    follows = Follows.RESOURCES
    normalize = None

    def __init__(self, resources: Sequence[str] = ("cpu", "memory")) -> None:
        self._resources = resources

    def score(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Scores | None:
        requested = info.shape.requests.requested
        names = [name for name in self._resources if name in requested or not is_extended(name)]
        if not any(name in requested for name in names):
            return None  # else all pods without requests would go to the node that is most in balance
        resources = nodes.resources
        shares: list[NDArray[np.float64]] = []
        for name in names:
            line = resources.line(name)
            used = resources.requested[line, rows] + requested.get(name, 0)
            allocatable = resources.allocatable[line, rows]
            shares.append(np.where(allocatable > 0, np.minimum(used / np.maximum(allocatable, 1), 1.0), np.nan))
        scores: Scores = ((1.0 - _deviation(shares)) * MAX_SCORE).astype(np.int64)
        return scores


def _deviation(shares: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The standard deviation. A resource that a node does not have is left out."""
    if len(shares) == 2:  # half their distance: the same as below, but cheaper
        return np.nan_to_num(np.abs(shares[0] - shares[1]) / 2)
    present = ~np.isnan(shares)
    number = np.maximum(present.sum(axis=0), 1)
    values = np.nan_to_num(shares)
    mean = values.sum(axis=0) / number
    deviation: NDArray[np.float64] = np.sqrt((present * (values - mean) ** 2).sum(axis=0) / number)
    return deviation
