"""Amounts of each resource on each node: matrices with a line per resource and a column per row of the snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache import resource_requests
from master.scheduler.cache.pod_info import Shape
from podlab.meta.v1.meta_pb2 import Quantity

Integers = NDArray[np.int64]
SHAPES_REMEMBERED = 4096


@dataclass(frozen=True)
class Need:
    """What pods of a shape ask for: lines of the matrices, and how much of each."""

    lines: NDArray[np.intp]
    amounts: Integers
    requested: tuple[tuple[int, int], ...]
    compared: tuple[tuple[int, int], ...]


class Resources:
    """`capacity` is what nodes offer, `used` what their pods ask for, `compared` what these are taken to use when nodes
    are compared. Processors are in thousandths, all else in units."""

    def __init__(self, size: int) -> None:
        self.names: list[str] = []
        self.capacity: Integers = np.zeros((4, size), np.int64)
        self.used: Integers = np.zeros((4, size), np.int64)
        self.compared: Integers = np.zeros((4, size), np.int64)
        self._line_of: dict[str, int] = {}
        self._needs: dict[Shape, Need] = {}

    def line(self, name: str) -> int:
        """Where the resource is; it gets a line when it is asked for first."""
        found = self._line_of.get(name)
        if found is None:
            found = self._line_of[name] = len(self.names)
            self.names.append(name)
            if found == len(self.capacity):
                for matrix in ("capacity", "used", "compared"):
                    old = getattr(self, matrix)
                    setattr(self, matrix, np.concatenate([old, np.zeros_like(old)]))
        return found

    def need(self, shape: Shape) -> Need:
        found = self._needs.get(shape)
        if found is None:
            if len(self._needs) >= SHAPES_REMEMBERED:
                self._needs.clear()
            found = self._needs[shape] = self._need(shape)
        return found

    def amount(self, name: str, row: int) -> tuple[int, int]:
        """How much of the resource is used on the row, and how much there is."""
        line = self.line(name)
        return int(self.used[line, row]), int(self.capacity[line, row])

    def room(self, row: int) -> bytes:
        """Equal for rows that have and use the same of everything."""
        return b"".join(matrix[:, row].tobytes() for matrix in (self.capacity, self.used, self.compared))

    def offered(self, row: int) -> dict[str, int]:
        """All of each resource."""
        return dict(zip(self.names, self.capacity[: len(self.names), row].tolist(), strict=True))

    def free(self, row: int) -> dict[str, int]:
        """What is not used of each resource."""
        left = self.capacity[: len(self.names), row] - self.used[: len(self.names), row]
        return dict(zip(self.names, left.tolist(), strict=True))

    def set_capacity(self, row: int, allocatable: Mapping[str, Quantity]) -> bool:
        """True when it is another than before."""
        for name in allocatable:
            self.line(name)
        offered = np.zeros(len(self.capacity), np.int64)
        for name, amount in allocatable.items():
            offered[self.line(name)] = resource_requests.units(name, amount)
        changed = bool((self.capacity[:, row] != offered).any())
        self.capacity[:, row] = offered
        return changed

    def add(self, shape: Shape, row: int, sign: int) -> None:
        need = self.need(shape)
        for line, amount in need.requested:
            self.used[line, row] += sign * amount
        for line, amount in need.compared:
            self.compared[line, row] += sign * amount

    def clear(self, row: int) -> None:
        """The row has a new node."""
        for matrix in (self.capacity, self.used, self.compared):
            matrix[:, row] = 0

    def grow(self, size: int) -> None:
        for name in ("capacity", "used", "compared"):
            old = getattr(self, name)
            more = np.zeros((len(old), size - old.shape[1]), np.int64)
            setattr(self, name, np.concatenate([old, more], axis=1))

    def _need(self, shape: Shape) -> Need:
        requested = tuple((self.line(name), amount) for name, amount in shape.demands.requested.items())
        compared = tuple((self.line(name), amount) for name, amount in shape.demands.compared.items())
        lines = np.array([line for line, _ in requested], np.intp)
        amounts = np.array([[amount] for _, amount in requested], np.int64)
        return Need(lines, amounts, requested, compared)
