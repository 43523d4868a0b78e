"""NodeResourcesBalancedAllocation: prefers nodes whose CPU and memory would be used to like shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from master.scheduler.plugins.protocol import MAX_SCORE, Scores
from master.scheduler.podinfo import PodInfo
from master.scheduler.snapshot import Snapshot


class NodeResourcesBalancedAllocation:
    name = "NodeResourcesBalancedAllocation"
    weight = 1

    def score(self, info: PodInfo, nodes: Snapshot, rows: NDArray[np.int64]) -> Scores | None:
        cpu = (nodes.cpu_used[rows] + info.requests.cpu_millis) / np.maximum(nodes.cpu_capacity[rows], 1)
        memory = (nodes.memory_used[rows] + info.requests.memory_bytes) / np.maximum(nodes.memory_capacity[rows], 1)
        # The standard deviation of two values is half their distance.
        deviation = np.abs(np.minimum(cpu, 1.0) - np.minimum(memory, 1.0)) / 2
        scores: Scores = ((1.0 - deviation) * MAX_SCORE).astype(np.int64)
        return scores
