"""NodeResourcesFit: refuses nodes without room for the pod's requests; ranks the others by how full they would be.

https://kubernetes.io/docs/concepts/scheduling-eviction/resource-bin-packing/
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.node_resources import Integers
from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.resource_requests import PODS
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.plugins.protocol import Follows, Refusals, Scores
from master.scheduler.plugins.strategies import Strategy

_NEVER = 1 << 62  # a bit of the code: the node is too small even when it is empty
_LEAST_ALLOCATED = Strategy()


class NodeResourcesFit:
    """Resources that are ignored, by name or by the group before the slash, refuse no node."""

    name = "NodeResourcesFit"
    follows = Follows.ROOM
    normalize = None

    def __init__(
        self,
        strategy: Strategy = _LEAST_ALLOCATED,
        ignored: Collection[str] = (),
        ignored_groups: Collection[str] = (),
    ) -> None:
        self._strategy = strategy
        self._ignored = ignored
        self._ignored_groups = ignored_groups

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        resources = nodes.resources
        need = resources.need(info.shape)
        at = (need.lines, rows) if isinstance(rows, slice) else (need.lines[:, None], rows)
        capacity = resources.capacity[at]
        lacking = resources.used[at] + need.amounts > capacity
        names = [resources.names[line] for line in need.lines]
        bits = [0 if self._ignores(name) else 1 << place for place, name in enumerate(names)]
        codes = _coded(bits, lacking)
        if codes.any():
            codes[_coded(bits, need.amounts > capacity) != 0] |= _NEVER
        return Refusals(codes, _Words(names), _Never())

    def score(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Scores | None:
        resources = nodes.resources
        asked = info.shape.demands.compared
        used: list[Integers] = []
        capacity: list[Integers] = []
        for each in self._strategy.resources:
            line = resources.line(each.name)
            used.append(resources.compared[line, rows] + asked.get(each.name, 0))
            there = resources.capacity[line, rows]
            capacity.append(there if not is_extended(each.name) or asked.get(each.name) else np.zeros_like(there))
        return self._strategy.combined(used, capacity)

    def _ignores(self, name: str) -> bool:
        return name in self._ignored or ("/" in name and name.partition("/")[0] in self._ignored_groups)


def is_extended(name: str) -> bool:
    """Whether only pods that ask for the resource are compared by it."""
    return "/" in name or name.startswith("hugepages-")


def _coded(bits: list[int], lacking: NDArray[np.bool_]) -> Integers:
    codes = np.zeros(lacking.shape[1], np.int64)
    for bit, line in zip(bits, lacking, strict=True):
        codes += bit * line
    return codes


class _Words(Mapping[int, tuple[str, ...]]):
    """A bit for each resource that lacks."""

    def __init__(self, names: list[str]) -> None:
        self._words = ["Too many pods" if name == PODS else f"Insufficient {name}" for name in names]

    def __getitem__(self, code: int) -> tuple[str, ...]:
        return tuple(word for place, word in enumerate(self._words) if code & 1 << place)

    def __iter__(self) -> Iterator[int]:
        return iter(range(1, 1 << len(self._words)))

    def __len__(self) -> int:
        return (1 << len(self._words)) - 1


class _Never:
    """The codes of nodes that are too small even when they are empty."""

    def __contains__(self, code: object) -> bool:
        return isinstance(code, int) and bool(code & _NEVER)
