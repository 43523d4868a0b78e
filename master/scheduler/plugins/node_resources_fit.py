"""NodeResourcesFit: refuses nodes that lack what the pod requests; scores the others by how full they would be.

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

_TOO_SMALL = 1 << 62  # a bit of the code: even the empty node lacks what the pod requests
_LEAST_ALLOCATED = Strategy()


class NodeResourcesFit:
    """`ignored` resources refuse no node, nor those of `ignored_groups`: the part of the name before the slash."""

    name = "NodeResourcesFit"
    follows = Follows.RESOURCES
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
        requests = resources.requests_of(info.shape)
        at = (requests.lines, rows) if isinstance(rows, slice) else (requests.lines[:, None], rows)
        allocatable = resources.allocatable[at]
        names = [resources.names[line] for line in requests.lines]
        lacking = resources.requested[at] + requests.amounts > allocatable
        by_devices, left_to_others = nodes.devices.extended_resources, None
        if by_devices and not by_devices.keys().isdisjoint(names):
            # DynamicResources looks for devices where the node says nothing of the resource.
            left_to_others = np.array([name in by_devices for name in names])[:, None] & (allocatable == 0)
            lacking &= ~left_to_others
        bits = [0 if self._ignores(name) else 1 << place for place, name in enumerate(names)]
        codes = _coded(bits, lacking)
        if codes.any():
            too_small = requests.amounts > allocatable
            if left_to_others is not None:
                too_small &= ~left_to_others
            codes[_coded(bits, too_small) != 0] |= _TOO_SMALL
        return Refusals(codes, _Reasons(names), _FinalCodes())

    def score(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Scores | None:
        resources = nodes.resources
        requested = info.shape.requests.non_zero_requested
        used: list[Integers] = []
        allocatable: list[Integers] = []
        for each in self._strategy.resources:
            line = resources.line(each.name)
            used.append(resources.non_zero_requested[line, rows] + requested.get(each.name, 0))
            on_nodes = resources.allocatable[line, rows]
            counted = not is_extended(each.name) or requested.get(each.name)
            allocatable.append(on_nodes if counted else np.zeros_like(on_nodes))
        return self._strategy.combined(used, allocatable)

    def _ignores(self, name: str) -> bool:
        return name in self._ignored or ("/" in name and name.partition("/")[0] in self._ignored_groups)


def is_extended(name: str) -> bool:
    """Whether the resource counts only for pods that request it."""
    return "/" in name or name.startswith("hugepages-")


def _coded(bits: list[int], lacking: NDArray[np.bool_]) -> Integers:
    codes = np.zeros(lacking.shape[1], np.int64)
    for bit, line in zip(bits, lacking, strict=True):
        codes += bit * line
    return codes


class _Reasons(Mapping[int, tuple[str, ...]]):
    """The reasons of a code, which has a bit for each resource that is insufficient."""

    def __init__(self, names: list[str]) -> None:
        self._reasons = ["Too many pods" if name == PODS else f"Insufficient {name}" for name in names]

    def __getitem__(self, code: int) -> tuple[str, ...]:
        return tuple(reason for place, reason in enumerate(self._reasons) if code & 1 << place)

    def __iter__(self) -> Iterator[int]:
        return iter(range(1, 1 << len(self._reasons)))

    def __len__(self) -> int:
        return (1 << len(self._reasons)) - 1


class _FinalCodes:
    """The codes of nodes that are too small even when empty."""

    def __contains__(self, code: object) -> bool:
        return isinstance(code, int) and bool(code & _TOO_SMALL)
