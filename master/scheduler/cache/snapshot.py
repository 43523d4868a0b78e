"""The nodes and their pods, as arrays with one row per node, updated as events arrive.

Only the scheduler's loop writes; plugins read. The row of a deleted node is marked absent until a new node takes it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.device_claims import DeviceClaims
from master.scheduler.cache.image_states import ImageStates
from master.scheduler.cache.node_labels import LabelColumn, NodeLabels
from master.scheduler.cache.node_resources import NodeResources
from master.scheduler.cache.pod_counts import PodCounts
from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.storage import Storage
from master.scheduler.cache.used_ports import UsedPorts
from master.scheduler.cache.workload_selectors import WorkloadSelectors
from podlab.core.v1.node_pb2 import Node, Taint
from podlab.resource.v1.deviceclass_pb2 import DeviceClass

T = TypeVar("T")
N = TypeVar("N", bound=np.generic)
Rows = slice | NDArray[np.int64]
CHANGES_REMEMBERED = 1 << 16
DERIVED_REMEMBERED = 1024


class Snapshot:
    """`[:size]` of each array is in use.

    `epoch` grows when a node's object changes: results of an older epoch are void. `changes` grows when a pod comes or
    goes: results of an older change are void only on the rows that `changed_since` gives. `clock` is in seconds.
    """

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.size = 0
        self.epoch = 0
        self.present: NDArray[np.bool_] = np.zeros(16, np.bool_)
        self.unschedulable: NDArray[np.bool_] = np.zeros(16, np.bool_)
        self.taint_set: NDArray[np.int32] = np.zeros(16, np.int32)
        self.taint_sets: list[tuple[Taint, ...]] = [()]  # taint_set holds indexes of this list
        self.labels = NodeLabels()
        self.name_column = LabelColumn(16)
        self.resources = NodeResources(16)
        self.used_ports = UsedPorts()
        self.image_states = ImageStates()
        self.pod_counts = PodCounts(16)
        self.workload_selectors = WorkloadSelectors()
        self.storage = Storage()
        self.devices = DeviceClaims(clock)
        self.priorities: Counter[int] = Counter()  # how many assigned pods there are of each priority
        self._names: list[str] = []
        self._row_of: dict[str, int] = {}
        self._free_rows: list[int] = []
        self._taint_number: dict[tuple[bytes, ...], int] = {(): 0}
        self._node_by_uid: dict[str, str] = {}
        self._pods_by_node: defaultdict[str, dict[str, PodInfo]] = defaultdict(dict)
        self._changed_rows: list[int] = []
        self._forgotten_changes = 0  # the number of changes that are not in _changed_rows any more
        self._derived: dict[Hashable, Any] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The node name of each row, also of absent ones."""
        return self.derived("names", lambda: tuple(self._names))

    @property
    def count(self) -> int:
        """The number of nodes."""
        return len(self._row_of)

    @property
    def all(self) -> slice:
        """Every row, also absent ones."""
        return slice(0, self.size)

    @property
    def changes(self) -> int:
        """How many pods have come or gone so far."""
        return self._forgotten_changes + len(self._changed_rows)

    def row(self, name: str) -> int | None:
        return self._row_of.get(name)

    def length(self, rows: Rows) -> int:
        """The number of these rows."""
        return self.size if isinstance(rows, slice) else len(rows)

    def node_of(self, uid: str) -> str:
        """The node that the pod is assigned to, also when that node is not there; empty for none."""
        return self._node_by_uid.get(uid, "")

    def pods_on(self, name: str) -> Iterable[PodInfo]:
        """The pods that are assigned to the node."""
        return self._pods_by_node[name].values() if name in self._pods_by_node else ()

    def changed_since(self, change: int) -> NDArray[np.int64] | None:
        """The rows where pods came or went since; None when these are so many that all rows should be evaluated."""
        first = change - self._forgotten_changes
        if first < 0 or len(self._changed_rows) - first > max(16, self.size // 4):
            return None
        return np.array(list(dict.fromkeys(self._changed_rows[first:])), np.int64)

    def derived(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` makes of the nodes' objects alone: made once, and again after one of them changed."""
        if key not in self._derived:
            if len(self._derived) >= DERIVED_REMEMBERED:
                self._derived.clear()
            self._derived[key] = make()
        found: T = self._derived[key]
        return found

    def set_node(self, node: Node) -> None:
        """Takes in a new or changed node. Pods that are already assigned to its name count at once."""
        name = node.metadata.name
        row = self._row_of.get(name)
        changed = row is None
        if row is None:
            row = self._new_row(name)
        taints = self._intern_taints(node.spec.taints)
        labels = dict(node.metadata.labels)
        changed |= self.resources.set_allocatable(row, node.status.allocatable)
        changed |= self.image_states.set(row, node)
        changed |= bool(self.unschedulable[row] != node.spec.unschedulable) or bool(self.taint_set[row] != taints)
        self.unschedulable[row], self.taint_set[row] = node.spec.unschedulable, taints
        if self.labels.get(row) != labels:
            self.labels.set(row, labels)
            self.pod_counts.forget_domains()
            changed = True
        if changed:
            self._node_changed()

    def remove_node(self, name: str) -> None:
        """Forgets a node. Its pods stay known, in case the node comes back."""
        row = self._row_of.get(name)
        if row is None:
            return
        for info in self.pods_on(name):
            self._count(row, info, -1)
        del self._row_of[name]
        self.present[row] = False
        self.labels.set(row, {})
        self.name_column.set(row, None)
        self.image_states.set(row, None)
        self.resources.clear(row)
        self._free_rows.append(row)
        self.pod_counts.forget_domains()
        self._node_changed()

    def set_namespace(self, name: str, labels: dict[str, str] | None) -> None:
        """Takes in a namespace's labels; None when it is gone."""
        if self.pod_counts.set_namespace(name, labels):
            self._node_changed()

    def set_device_class(self, name: str, device_class: DeviceClass | None) -> None:
        """Takes in a class of devices; None when it is gone. It may say what nodes need not have themselves."""
        before = self.devices.extended_resources
        self.devices.set_class(name, device_class)
        if self.devices.extended_resources != before:
            self._node_changed()

    def add_pod(self, info: PodInfo, node_name: str) -> None:
        """Assigns the pod to the node, instead of the one that it was assigned to before."""
        uid = info.uid
        if self._node_by_uid.get(uid) == node_name and self._pods_by_node[node_name][uid].shape == info.shape:
            self._pods_by_node[node_name][uid] = info
            return
        self.remove_pod(uid)
        self._node_by_uid[uid] = node_name
        self._pods_by_node[node_name][uid] = info
        self.priorities[info.pod.spec.priority] += 1
        row = self._row_of.get(node_name)
        if row is not None:
            self._count(row, info, 1)

    @contextmanager
    def simulation(self) -> Iterator[None]:
        """For code that removes and adds pods to see the effect, and restores all before it ends.

        Afterwards these are no changes.
        """
        begin = self.changes
        try:
            yield
        finally:
            del self._changed_rows[max(0, begin - self._forgotten_changes) :]

    def remove_pod(self, uid: str) -> PodInfo | None:
        """Forgets the pod, and returns what was known of it; None when it was not assigned."""
        node_name = self._node_by_uid.pop(uid, None)
        if node_name is None:
            return None
        info = self._pods_by_node[node_name].pop(uid)
        if not self._pods_by_node[node_name]:
            del self._pods_by_node[node_name]
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
        self.pod_counts.add(shape, row, sign)
        if shape.host_ports:
            self.used_ports.add(shape.host_ports, row, sign)
        if shape.claims:
            self.storage.count_users(shape, sign)
        self._changed_rows.append(row)
        if len(self._changed_rows) > CHANGES_REMEMBERED:
            del self._changed_rows[: CHANGES_REMEMBERED // 2]
            self._forgotten_changes += CHANGES_REMEMBERED // 2

    def _node_changed(self) -> None:
        self.epoch += 1
        self._derived.clear()

    def _new_row(self, name: str) -> int:
        if self._free_rows:
            row = self._free_rows.pop()
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
        self.pod_counts.forget_domains()
        for info in self.pods_on(name):
            self._count(row, info, 1)
        return row

    def _grow(self, size: int) -> None:
        self.present = _grown(self.present, size)
        self.unschedulable = _grown(self.unschedulable, size)
        self.taint_set = _grown(self.taint_set, size)
        self.name_column.grow(size)
        self.resources.grow(size)
        self.pod_counts.grow(size)

    def _intern_taints(self, taints: Iterable[Taint]) -> int:
        found = tuple(taints)
        key = tuple(sorted(f"{taint.key}\0{taint.value}\0{taint.effect}".encode() for taint in found))
        if key not in self._taint_number:
            self._taint_number[key] = len(self.taint_sets)
            self.taint_sets.append(found)
        return self._taint_number[key]


def _grown(array: NDArray[N], size: int) -> NDArray[N]:
    return np.concatenate([array, np.zeros(size - len(array), array.dtype)])
