"""How many pods of each sort stand on each node, kept up to date as pods come and go.

What a pod is to be spread with, or to be with or apart from, is asked for as a `Tally`: made by one look at all
standing pods, changed by one addition with each pod that is placed or removed since.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.affinity_terms import NamespaceLabels, PodSelector, Term
from master.scheduler.cache.node_labels import LabelColumn
from master.scheduler.cache.pod_info import Shape

TALLIES_REMEMBERED = 1024
Integers = NDArray[np.int64]


class Tally:
    """`counts` is the number of pods on each row."""

    def __init__(self, size: int) -> None:
        self.counts: Integers = np.zeros(size, np.int64)
        self.total = 0
        self._places: dict[str, tuple[LabelColumn, Integers]] = {}

    def add(self, row: int, number: int) -> None:
        self.counts[row] += number
        self.total += number
        for column, sums in self._places.values():
            sums[column.numbers[row]] += number

    def by_place(self, key: str, column: LabelColumn) -> Integers:
        """The number of pods by the number that stands for the value of that label of nodes; 0 is nodes without it."""
        found = self._places.get(key)
        if found is None:
            size = min(len(self.counts), len(column.numbers))
            sums = np.bincount(column.numbers[:size], weights=self.counts[:size], minlength=column.count)
            sums = sums.astype(np.int64)
            found = self._places[key] = (column, sums)
        return found[1]

    def forget_places(self) -> None:
        """Nodes or their labels are others than before."""
        self._places.clear()

    def grow(self, size: int) -> None:
        self.counts = np.concatenate([self.counts, np.zeros(size - len(self.counts), np.int64)])
        self._places.clear()


@dataclass
class _Group:
    """All standing pods of a shape: how many on which row, and the tallies that they are in."""

    rows: Counter[int] = field(default_factory=Counter)
    tallies: list[Tally] = field(default_factory=list)


@dataclass(frozen=True)
class _Asked:
    """Pods that all of the selectors find; those that are being deleted too, or not."""

    selectors: tuple[PodSelector, ...]
    deleted_too: bool

    def finds(self, shape: Shape, known: NamespaceLabels) -> bool:
        if not self.deleted_too and shape.deleted:
            return False
        return all(selector.matches(shape.namespace, shape.labels, known) for selector in self.selectors)


@dataclass
class _Standing:
    """Pods that have a term: the tally of these, and how many shapes they are."""

    tally: Tally
    shapes: int = 0


class Tallies:
    """Of the pods that stand on rows of the snapshot."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._groups: dict[Shape, _Group] = {}
        self._asked: OrderedDict[_Asked, Tally] = OrderedDict()
        self._standing: dict[Term, _Standing] = {}
        self._about: dict[Shape, list[tuple[Term, Tally]]] = {}
        self._namespaces: dict[str, dict[str, str]] = {}

    def add(self, shape: Shape, row: int, number: int) -> None:
        """So many more pods of the shape on the row."""
        group = self._groups.get(shape) or self._begin(shape)
        group.rows[row] += number
        for tally in group.tallies:
            tally.add(row, number)
        if not group.rows[row]:
            del group.rows[row]
            if not group.rows:
                self._end(shape)

    def of(self, selectors: Sequence[PodSelector], *, deleted_too: bool) -> Tally:
        """The pods that all of the selectors find."""
        asked = _Asked(tuple(selectors), deleted_too)
        tally = self._asked.get(asked)
        if tally is not None:
            self._asked.move_to_end(asked)
            return tally
        if len(self._asked) >= TALLIES_REMEMBERED:
            self._forget(self._asked.popitem(last=False)[1])
        tally = self._asked[asked] = Tally(self._size)
        for shape, group in self._groups.items():
            if asked.finds(shape, self._namespaces):
                group.tallies.append(tally)
                for row, number in group.rows.items():
                    tally.add(row, number)
        return tally

    def about(self, shape: Shape) -> Sequence[tuple[Term, Tally]]:
        """The terms of standing pods that mean pods of the shape, and where those pods stand."""
        found = self._about.get(shape)
        if found is None:
            if len(self._about) >= TALLIES_REMEMBERED:
                self._about.clear()
            found = self._about[shape] = [
                (term, standing.tally)
                for term, standing in self._standing.items()
                if term.pods.matches(shape.namespace, shape.labels, self._namespaces)
            ]
        return found

    def finds_all(self, selectors: Sequence[PodSelector], shape: Shape) -> bool:
        """Whether pods of the shape are found by all of the selectors themselves."""
        return all(selector.matches(shape.namespace, shape.labels, self._namespaces) for selector in selectors)

    def set_namespace(self, name: str, labels: dict[str, str] | None) -> bool:
        """None takes it away. True when its labels are others than before."""
        if self._namespaces.get(name) == labels:
            return False
        if labels is None:
            del self._namespaces[name]
        else:
            self._namespaces[name] = labels
        for tally in self._asked.values():
            self._forget(tally)
        self._asked.clear()
        self._about.clear()
        return True

    def forget_places(self) -> None:
        """Nodes or their labels are others than before."""
        for tally in self._all():
            tally.forget_places()

    def grow(self, size: int) -> None:
        self._size = size
        for tally in self._all():
            tally.grow(size)

    def _all(self) -> list[Tally]:
        return [*self._asked.values(), *(standing.tally for standing in self._standing.values())]

    def _begin(self, shape: Shape) -> _Group:
        group = self._groups[shape] = _Group()
        found = (tally for asked, tally in self._asked.items() if asked.finds(shape, self._namespaces))
        group.tallies.extend(found)
        for term in set(shape.terms):
            standing = self._standing.get(term)
            if standing is None:
                standing = self._standing[term] = _Standing(Tally(self._size))
                self._about.clear()
            standing.shapes += 1
            group.tallies.extend([standing.tally] * shape.terms.count(term))
        return group

    def _end(self, shape: Shape) -> None:
        del self._groups[shape]
        for term in set(shape.terms):
            standing = self._standing[term]
            standing.shapes -= 1
            if not standing.shapes:
                del self._standing[term]
                self._about.clear()

    def _forget(self, tally: Tally) -> None:
        for group in self._groups.values():
            if tally in group.tallies:
                group.tallies.remove(tally)
