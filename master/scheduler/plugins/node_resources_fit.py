"""NodeResourcesFit: refuses nodes without room for the pod's requests; ranks by the LeastAllocated strategy.

https://kubernetes.io/docs/concepts/scheduling-eviction/resource-bin-packing/
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from master.scheduler.plugins.protocol import MAX_SCORE, Refusals, Scores
from master.scheduler.podinfo import PodInfo
from master.scheduler.snapshot import Integers, Snapshot

_PODS, _CPU, _MEMORY = 1, 2, 4
_WORDS = {_PODS: "Too many pods", _CPU: "Insufficient cpu", _MEMORY: "Insufficient memory"}
_REASONS = {code: tuple(word for bit, word in _WORDS.items() if code & bit) for code in range(1, 8)}


class NodeResourcesFit:
    name = "NodeResourcesFit"
    weight = 1

    def filter(self, info: PodInfo, nodes: Snapshot) -> Refusals | None:
        size, asked = nodes.size, info.requests
        codes = _PODS * (nodes.pods_used[:size] + 1 > nodes.pods_capacity[:size])
        # A pod that asks for none of a resource fits even where that is overcommitted.
        if asked.cpu_millis:
            codes = codes + _CPU * (nodes.cpu_used[:size] + asked.cpu_millis > nodes.cpu_capacity[:size])
        if asked.memory_bytes:
            codes = codes + _MEMORY * (nodes.memory_used[:size] + asked.memory_bytes > nodes.memory_capacity[:size])
        return Refusals(codes.astype(np.int64), _REASONS)

    def score(self, info: PodInfo, nodes: Snapshot, rows: NDArray[np.int64]) -> Scores | None:
        cpu = _free_share(nodes.cpu_capacity[rows], nodes.cpu_scored[rows] + info.requests.scored_cpu_millis)
        memory = _free_share(nodes.memory_capacity[rows], nodes.memory_scored[rows] + info.requests.scored_memory_bytes)
        shares: Scores = (cpu + memory) // 2
        return shares


def _free_share(capacity: Integers, used: Integers) -> Integers:
    free = np.maximum(capacity - used, 0)
    share: Integers = free * MAX_SCORE // np.maximum(capacity, 1)
    return share
