"""Node labels as columns of small integers, so that a selector is matched against all nodes at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from podlab.core.v1.pod_pb2 import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm

Mask = NDArray[np.bool_]


class LabelColumn:
    """The values of one label key: `numbers` holds for each row the number of its value, 0 where the key is absent."""

    def __init__(self, size: int) -> None:
        self.numbers: NDArray[np.int32] = np.zeros(size, np.int32)
        self._values: list[str] = [""]
        self._number_of: dict[str, int] = {}

    @property
    def count(self) -> int:
        """How many numbers there are, including 0 for an absent key."""
        return len(self._values)

    def set(self, row: int, value: str | None) -> None:
        self.numbers[row] = 0 if value is None else self._intern(value)

    def grow(self, size: int) -> None:
        self.numbers = np.concatenate([self.numbers, np.zeros(size - len(self.numbers), np.int32)])

    def matches(self, requirement: NodeSelectorRequirement) -> Mask:
        """The rows that meet the requirement.

        https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#operators
        """
        if requirement.operator == "Exists":
            return np.not_equal(self.numbers, 0)
        if requirement.operator == "DoesNotExist":
            return np.equal(self.numbers, 0)
        if requirement.operator in ("Gt", "Lt"):
            return self._compared(requirement)
        wanted = [self._number_of[value] for value in requirement.values if value in self._number_of]
        found: Mask = np.isin(self.numbers, wanted)
        return found if requirement.operator == "In" else ~found

    def _compared(self, requirement: NodeSelectorRequirement) -> Mask:
        bound = _integer(requirement.values[0]) if requirement.values else None
        if bound is None:
            return np.zeros(len(self.numbers), np.bool_)
        integers = [_integer(value) for value in self._values]
        greater = requirement.operator == "Gt"
        matching = [each is not None and (each > bound if greater else each < bound) for each in integers]
        matching[0] = False
        return np.array(matching, np.bool_)[self.numbers]

    def _intern(self, value: str) -> int:
        if value not in self._number_of:
            self._number_of[value] = len(self._values)
            self._values.append(value)
        return self._number_of[value]


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


class NodeLabels:
    """The labels of all nodes. A key gets a column when it is first used."""

    def __init__(self) -> None:
        self._rows: list[dict[str, str]] = []
        self._columns: dict[str, LabelColumn] = {}

    def set(self, row: int, labels: dict[str, str]) -> None:
        """Sets the labels of the row. A new row is the one after the last."""
        if row == len(self._rows):
            self._rows.append({})
            for column in self._columns.values():
                if len(column.numbers) <= row:
                    column.grow(max(16, 2 * row))
        before, self._rows[row] = self._rows[row], labels
        for key in before.keys() | labels.keys():
            if key in self._columns:
                self._columns[key].set(row, labels.get(key))

    def get(self, row: int) -> dict[str, str]:
        return self._rows[row]

    def select(self, selector: NodeSelector, names: LabelColumn) -> Mask:
        """The rows that match one of the selector's terms."""
        matched = np.zeros(len(self._rows), np.bool_)
        for term in selector.nodeSelectorTerms:
            matched |= self.matches_term(term, names)
        return matched

    def matches_term(self, term: NodeSelectorTerm, names: LabelColumn) -> Mask:
        """The rows that meet all requirements of the term. An empty term matches no row."""
        size = len(self._rows)
        if not term.matchExpressions and not term.matchFields:
            return np.zeros(size, np.bool_)
        matched = np.ones(size, np.bool_)
        for requirement in term.matchExpressions:
            matched &= self.column(requirement.key).matches(requirement)[:size]
        for requirement in term.matchFields:  # validation lets only metadata.name through
            matched &= names.matches(requirement)[:size]
        return matched

    def column(self, key: str) -> LabelColumn:
        if key not in self._columns:
            column = LabelColumn(max(16, 2 * len(self._rows)))
            for row, labels in enumerate(self._rows):
                column.set(row, labels.get(key))
            self._columns[key] = column
        return self._columns[key]
