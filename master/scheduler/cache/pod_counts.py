"""How many pods of each kind are on each node, kept up to date as pods come and go.

Topology spread and affinity between pods ask for a `PodCount`. It is made from all assigned pods when it is first asked
for. Afterwards each pod that comes or goes changes it by one addition.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.affinity_terms import AffinityTerm, NamespaceLabels, PodSelector
from master.scheduler.cache.node_labels import LabelColumn
from master.scheduler.cache.pod_info import PodShape

COUNTS_REMEMBERED = 1024
Integers = NDArray[np.int64]


class PodCount:
    """The number of certain pods: `counts` by row, and sums by topology domain."""

    def __init__(self, size: int) -> None:
        self.counts: Integers = np.zeros(size, np.int64)
        self.total = 0
        self._domains: dict[str, tuple[LabelColumn, Integers]] = {}  # by topology key

    def add(self, row: int, number: int) -> None:
        self.counts[row] += number
        self.total += number
        for column, sums in self._domains.values():
            sums[column.numbers[row]] += number

    def by_domain(self, key: str, column: LabelColumn) -> Integers:
        """The number of pods by the number of the label value in `column`; at 0 the pods on nodes without the key."""
        found = self._domains.get(key)
        if found is None:
            size = min(len(self.counts), len(column.numbers))
            sums = np.bincount(column.numbers[:size], weights=self.counts[:size], minlength=column.count)
            sums = sums.astype(np.int64)
            found = self._domains[key] = (column, sums)
        return found[1]

    def forget_domains(self) -> None:
        """To be called when nodes or their labels changed."""
        self._domains.clear()

    def grow(self, size: int) -> None:
        self.counts = np.concatenate([self.counts, np.zeros(size - len(self.counts), np.int64)])
        self._domains.clear()


@dataclass
class _PodsOfShape:
    """All assigned pods of a shape: how many are on each row, and the counts that they are part of."""

    rows: Counter[int] = field(default_factory=Counter)
    counts: list[PodCount] = field(default_factory=list)


@dataclass(frozen=True)
class _Query:
    """Pods that all of the selectors select, with or without those that are being deleted."""

    selectors: tuple[PodSelector, ...]
    include_deleted: bool

    def selects(self, shape: PodShape, known: NamespaceLabels) -> bool:
        if not self.include_deleted and shape.deleted:
            return False
        return all(selector.matches(shape.namespace, shape.labels, known) for selector in self.selectors)


@dataclass
class _PodsWithTerm:
    """The count of the pods that have a term, and the number of their shapes."""

    pod_count: PodCount
    shapes: int = 0


class PodCounts:
    """All counts of pods on the rows of the snapshot."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._shapes: dict[PodShape, _PodsOfShape] = {}
        self._by_query: OrderedDict[_Query, PodCount] = OrderedDict()
        self._by_term: dict[AffinityTerm, _PodsWithTerm] = {}
        self._terms_matching: dict[PodShape, list[tuple[AffinityTerm, PodCount]]] = {}
        self._namespaces: dict[str, dict[str, str]] = {}

    def add(self, shape: PodShape, row: int, number: int) -> None:
        """Adds so many pods of the shape to the row."""
        pods = self._shapes.get(shape) or self._begin(shape)
        pods.rows[row] += number
        for count in pods.counts:
            count.add(row, number)
        if not pods.rows[row]:
            del pods.rows[row]
            if not pods.rows:
                self._end(shape)

    def matching(self, selectors: Sequence[PodSelector], *, include_deleted: bool) -> PodCount:
        """The pods that all of the selectors select."""
        query = _Query(tuple(selectors), include_deleted)
        count = self._by_query.get(query)
        if count is not None:
            self._by_query.move_to_end(query)
            return count
        if len(self._by_query) >= COUNTS_REMEMBERED:
            self._forget(self._by_query.popitem(last=False)[1])
        count = self._by_query[query] = PodCount(self._size)
        for shape, pods in self._shapes.items():
            if query.selects(shape, self._namespaces):
                pods.counts.append(count)
                for row, number in pods.rows.items():
                    count.add(row, number)
        return count

    def of_terms_matching(self, shape: PodShape) -> Sequence[tuple[AffinityTerm, PodCount]]:
        """The terms of existing pods that select pods of the shape, each with the count of the pods that have it."""
        found = self._terms_matching.get(shape)
        if found is None:
            if len(self._terms_matching) >= COUNTS_REMEMBERED:
                self._terms_matching.clear()
            found = self._terms_matching[shape] = [
                (term, pods.pod_count)
                for term, pods in self._by_term.items()
                if term.pods.matches(shape.namespace, shape.labels, self._namespaces)
            ]
        return found

    def all_select(self, selectors: Sequence[PodSelector], shape: PodShape) -> bool:
        """Whether all of the selectors select pods of the shape."""
        return all(selector.matches(shape.namespace, shape.labels, self._namespaces) for selector in selectors)

    def set_namespace(self, name: str, labels: dict[str, str] | None) -> bool:
        """Takes in the namespace's labels, None when it is gone. True when they changed."""
        if self._namespaces.get(name) == labels:
            return False
        if labels is None:
            del self._namespaces[name]
        else:
            self._namespaces[name] = labels
        for count in self._by_query.values():
            self._forget(count)
        self._by_query.clear()
        self._terms_matching.clear()
        return True

    def forget_domains(self) -> None:
        """To be called when nodes or their labels changed."""
        for count in self._all():
            count.forget_domains()

    def grow(self, size: int) -> None:
        self._size = size
        for count in self._all():
            count.grow(size)

    def _all(self) -> list[PodCount]:
        return [*self._by_query.values(), *(pods.pod_count for pods in self._by_term.values())]

    def _begin(self, shape: PodShape) -> _PodsOfShape:
        """The first pod of the shape has come."""
        pods = self._shapes[shape] = _PodsOfShape()
        found = (count for query, count in self._by_query.items() if query.selects(shape, self._namespaces))
        pods.counts.extend(found)
        for term in set(shape.affinity_terms):
            with_term = self._by_term.get(term)
            if with_term is None:
                with_term = self._by_term[term] = _PodsWithTerm(PodCount(self._size))
                self._terms_matching.clear()
            with_term.shapes += 1
            pods.counts.extend([with_term.pod_count] * shape.affinity_terms.count(term))
        return pods

    def _end(self, shape: PodShape) -> None:
        """The last pod of the shape has gone."""
        del self._shapes[shape]
        for term in set(shape.affinity_terms):
            with_term = self._by_term[term]
            with_term.shapes -= 1
            if not with_term.shapes:
                del self._by_term[term]
                self._terms_matching.clear()

    def _forget(self, count: PodCount) -> None:
        for pods in self._shapes.values():
            if count in pods.counts:
                pods.counts.remove(count)
