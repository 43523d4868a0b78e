"""The nodes and what stands on them, as arrays with one row per node, updated as events arrive.

Only the scheduler's loop writes; plugins read. A node that left keeps its row, marked absent, until another takes it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.image_states import Images
from master.scheduler.cache.node_labels import LabelColumn, Labels
from master.scheduler.cache.node_resources import Resources
from master.scheduler.cache.pod_counts import Tallies
from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.storage import Storage
from master.scheduler.cache.used_ports import HostPorts
from master.scheduler.cache.workload_selectors import Workloads
from podlab.core.v1.node_pb2 import Node, Taint

T = TypeVar("T")
Rows = slice | NDArray[np.int64]
CHANGES_REMEMBERED = 1 << 16
FACTS_REMEMBERED = 1024


class Snapshot:
    """`[:size]` of each array is in use.

    `epoch` grows when a node's object changes, `changes` when a pod comes or goes: what was judged at an older epoch is
    void, what was judged at an older change only on the rows that `changed_since` tells.
    """

    def __init__(self) -> None:
        self.size = 0
        self.epoch = 0
        self.present: NDArray[np.bool_] = np.zeros(16, np.bool_)
        self.unschedulable: NDArray[np.bool_] = np.zeros(16, np.bool_)
        self.taint_set: NDArray[np.int32] = np.zeros(16, np.int32)
        self.taint_sets: list[tuple[Taint, ...]] = [()]  # taint_set holds indexes of this list
        self.labels = Labels()
        self.name_column = LabelColumn(16)
        self.resources = Resources(16)
        self.host_ports = HostPorts()
        self.images = Images()
        self.tallies = Tallies(16)
        self.workloads = Workloads()
        self.storage = Storage()
        self.priorities: Counter[int] = Counter()  # of standing pods, how many there are of each
        self._names: list[str] = []
        self._row_of: dict[str, int] = {}
        self._free: list[int] = []
        self._taint_number: dict[tuple[bytes, ...], int] = {(): 0}
        self._placed: dict[str, str] = {}  # pod uid -> node name
        self._standing: defaultdict[str, dict[str, PodInfo]] = defaultdict(dict)  # node -> pod uid -> what it takes
        self._changed: list[int] = []
        self._unremembered = 0  # changes before those in _changed
        self._facts: dict[Hashable, Any] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The nodes of the rows, also of those that left."""
        return self.fact("names", lambda: tuple(self._names))

    @property
    def count(self) -> int:
        """How many nodes there are."""
        return len(self._row_of)

    @property
    def all(self) -> slice:
        """Every row, also those of nodes that left."""
        return slice(0, self.size)

    @property
    def changes(self) -> int:
        """How many pods have come or gone so far."""
        return self._unremembered + len(self._changed)

    def row(self, name: str) -> int | None:
        return self._row_of.get(name)

    def length(self, rows: Rows) -> int:
        """How many rows these are."""
        return self.size if isinstance(rows, slice) else len(rows)

    def home(self, uid: str) -> str:
        """The node on which the pod counts, also when that is not there; empty for none."""
        return self._placed.get(uid, "")

    def pods_on(self, name: str) -> Iterable[PodInfo]:
        """The pods that count on the node."""
        return self._standing[name].values() if name in self._standing else ()

    def changed_since(self, change: int) -> NDArray[np.int64] | None:
        """The rows where pods have come or gone since; None when these are so many that all should be looked at."""
        begin = change - self._unremembered
        if begin < 0 or len(self._changed) - begin > max(16, self.size // 4):
            return None
        return np.array(list(dict.fromkeys(self._changed[begin:])), np.int64)

    def fact(self, key: Hashable, make: Callable[[], T]) -> T:
        """What follows from the nodes' objects alone, made once until one of them changes."""
        if key not in self._facts:
            if len(self._facts) >= FACTS_REMEMBERED:
                self._facts.clear()
            self._facts[key] = make()
        found: T = self._facts[key]
        return found

    def set_node(self, node: Node) -> None:
        """Takes in a new or changed node; pods that were placed on its name count at once."""
        name = node.metadata.name
        row = self._row_of.get(name)
        changed = row is None
        if row is None:
            row = self._new_row(name)
        taints = self._intern_taints(node.spec.taints)
        labels = dict(node.metadata.labels)
        changed |= self.resources.set_capacity(row, node.status.allocatable)
        changed |= self.images.set(row, node)
        changed |= bool(self.unschedulable[row] != node.spec.unschedulable) or bool(self.taint_set[row] != taints)
        self.unschedulable[row], self.taint_set[row] = node.spec.unschedulable, taints
        if self.labels.get(row) != labels:
            self.labels.set(row, labels)
            self.tallies.forget_places()
            changed = True
        if changed:
            self._node_changed()

    def remove_node(self, name: str) -> None:
        """Forgets a node; what stands on it stays known, in case it comes back."""
        row = self._row_of.get(name)
        if row is None:
            return
        for info in self.pods_on(name):
            self._count(row, info, -1)
        del self._row_of[name]
        self.present[row] = False
        self.labels.set(row, {})
        self.name_column.set(row, None)
        self.images.set(row, None)
        self.resources.clear(row)
        self._free.append(row)
        self.tallies.forget_places()
        self._node_changed()

    def set_namespace(self, name: str, labels: dict[str, str] | None) -> None:
        """Takes in a namespace's labels; None when it is gone."""
        if self.tallies.set_namespace(name, labels):
            self._node_changed()

    def place(self, info: PodInfo, node_name: str) -> None:
        """Counts the pod on the node, instead of where it was counted before."""
        uid = info.uid
        if self._placed.get(uid) == node_name and self._standing[node_name][uid].shape == info.shape:
            self._standing[node_name][uid] = info
            return
        self.remove_pod(uid)
        self._placed[uid] = node_name
        self._standing[node_name][uid] = info
        self.priorities[info.pod.spec.priority] += 1
        row = self._row_of.get(node_name)
        if row is not None:
            self._count(row, info, 1)

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Pods come and go to see what that would change. In the end all is as before, and so nothing has changed."""
        begin = self.changes
        try:
            yield
        finally:
            del self._changed[max(0, begin - self._unremembered) :]

    def remove_pod(self, uid: str) -> PodInfo | None:
        """Counts the pod nowhere; tells what was counted."""
        node_name = self._placed.pop(uid, None)
        if node_name is None:
            return None
        info = self._standing[node_name].pop(uid)
        if not self._standing[node_name]:
            del self._standing[node_name]
        self.priorities[info.pod.spec.priority] -= 1
        if not self.priorities[info.pod.spec.priority]:
            del self.priorities[info.pod.spec.priority]
        row = self._row_of.get(node_name)
        if row is not None:
            self._count(row, info, -1)
        return info

    def _count(self, row: int, info: PodInfo, sign: int) -> None:
        shape = info.shape
        self.resources.add(shape, row, sign)
        self.tallies.add(shape, row, sign)
        if shape.host_ports:
            self.host_ports.add(shape.host_ports, row, sign)
        if shape.claims:
            self.storage.count(shape, sign)
        self._changed.append(row)
        if len(self._changed) > CHANGES_REMEMBERED:
            del self._changed[: CHANGES_REMEMBERED // 2]
            self._unremembered += CHANGES_REMEMBERED // 2

    def _node_changed(self) -> None:
        self.epoch += 1
        self._facts.clear()

    def _new_row(self, name: str) -> int:
        if self._free:
            row = self._free.pop()
            self._names[row] = name
        else:
            row = self.size
            self._names.append(name)
            self.labels.set(row, {})
            self.size += 1
            if row == len(self.present):
                self._grow(2 * row)
        self._row_of[name] = row
        self.present[row] = True
        self.name_column.set(row, name)
        self.tallies.forget_places()
        for info in self.pods_on(name):
            self._count(row, info, 1)
        return row

    def _grow(self, size: int) -> None:
        for name in ("present", "unschedulable", "taint_set"):
            array = getattr(self, name)
            setattr(self, name, np.concatenate([array, np.zeros(size - len(array), array.dtype)]))
        self.name_column.grow(size)
        self.resources.grow(size)
        self.tallies.grow(size)

    def _intern_taints(self, taints: Iterable[Taint]) -> int:
        found = tuple(taints)
        key = tuple(sorted(f"{taint.key}\0{taint.value}\0{taint.effect}".encode() for taint in found))
        if key not in self._taint_number:
            self._taint_number[key] = len(self.taint_sets)
            self.taint_sets.append(found)
        return self._taint_number[key]
