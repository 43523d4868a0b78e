"""The resources of each node: matrices with a line per resource and a column per row of the snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache import resource_requests
from master.scheduler.cache.pod_info import PodShape
from podlab.meta.v1.meta_pb2 import Quantity

Integers = NDArray[np.int64]
SHAPES_REMEMBERED = 4096


@dataclass(frozen=True)
class ShapeRequests:
    """What pods of one shape request: lines of the matrices, and the amount of each.

    `lines` and `amounts` are `requested` as arrays.
    """

    lines: NDArray[np.intp]
    amounts: Integers
    requested: tuple[tuple[int, int], ...]
    non_zero_requested: tuple[tuple[int, int], ...]


class NodeResources:
    """`requested` and `non_zero_requested` are the sums over the node's pods; see `ResourceRequests`.

    CPU is in thousandths, all else in units.
    """

    def __init__(self, size: int) -> None:
        self.names: list[str] = []
        self.allocatable: Integers = np.zeros((4, size), np.int64)
        self.requested: Integers = np.zeros((4, size), np.int64)
        self.non_zero_requested: Integers = np.zeros((4, size), np.int64)
        self._line_of: dict[str, int] = {}
        self._requests: dict[PodShape, ShapeRequests] = {}

    def line(self, name: str) -> int:
        """The line of the resource. A resource gets its line when it is first asked for."""
        found = self._line_of.get(name)
        if found is None:
            found = self._line_of[name] = len(self.names)
            self.names.append(name)
            if found == len(self.allocatable):
                self.allocatable = _with_more_lines(self.allocatable)
                self.requested = _with_more_lines(self.requested)
                self.non_zero_requested = _with_more_lines(self.non_zero_requested)
        return found

    def requests_of(self, shape: PodShape) -> ShapeRequests:
        found = self._requests.get(shape)
        if found is None:
            if len(self._requests) >= SHAPES_REMEMBERED:
                self._requests.clear()
            found = self._requests[shape] = self._shape_requests(shape)
        return found

    def amount(self, name: str, row: int) -> tuple[int, int]:
        """How much of the resource is requested on the row, and how much is allocatable there."""
        line = self.line(name)
        return int(self.requested[line, row]), int(self.allocatable[line, row])

    def fingerprint(self, row: int) -> bytes:
        """Equal for rows whose amounts are all equal."""
        return b"".join(
            matrix[:, row].tobytes() for matrix in (self.allocatable, self.requested, self.non_zero_requested)
        )

    def allocatable_on(self, row: int) -> dict[str, int]:
        """The allocatable amount of each resource."""
        return dict(zip(self.names, self.allocatable[: len(self.names), row].tolist(), strict=True))

    def free_on(self, row: int) -> dict[str, int]:
        """The allocatable amount of each resource less what is requested."""
        free = self.allocatable[: len(self.names), row] - self.requested[: len(self.names), row]
        return dict(zip(self.names, free.tolist(), strict=True))

    def set_allocatable(self, row: int, allocatable: Mapping[str, Quantity]) -> bool:
        """Takes in what the node's status says. True when an amount changed."""
        for name in allocatable:
            self.line(name)
        amounts = np.zeros(len(self.allocatable), np.int64)
        for name, amount in allocatable.items():
            amounts[self.line(name)] = resource_requests.units(name, amount)
        changed = bool((self.allocatable[:, row] != amounts).any())
        self.allocatable[:, row] = amounts
        return changed

    def add(self, shape: PodShape, row: int, sign: int) -> None:
        """Adds the requests of a pod of the shape; `sign` -1 takes them off."""
        requests = self.requests_of(shape)
        for line, amount in requests.requested:
            self.requested[line, row] += sign * amount
        for line, amount in requests.non_zero_requested:
            self.non_zero_requested[line, row] += sign * amount

    def clear(self, row: int) -> None:
        """Sets all amounts of the row to 0."""
        for matrix in (self.allocatable, self.requested, self.non_zero_requested):
            matrix[:, row] = 0

    def grow(self, size: int) -> None:
        self.allocatable = _with_columns(self.allocatable, size)
        self.requested = _with_columns(self.requested, size)
        self.non_zero_requested = _with_columns(self.non_zero_requested, size)

    def _shape_requests(self, shape: PodShape) -> ShapeRequests:
        requested = tuple((self.line(name), amount) for name, amount in shape.requests.requested.items())
        non_zero = tuple((self.line(name), amount) for name, amount in shape.requests.non_zero_requested.items())
        lines = np.array([line for line, _ in requested], np.intp)
        amounts = np.array([[amount] for _, amount in requested], np.int64)
        return ShapeRequests(lines, amounts, requested, non_zero)


def _with_more_lines(matrix: Integers) -> Integers:
    return np.concatenate([matrix, np.zeros_like(matrix)])


def _with_columns(matrix: Integers, size: int) -> Integers:
    more = np.zeros((len(matrix), size - matrix.shape[1]), np.int64)
    return np.concatenate([matrix, more], axis=1)
