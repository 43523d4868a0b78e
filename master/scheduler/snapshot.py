"""The nodes and what stands on them, as arrays with one row per node, updated as events arrive.

Only the scheduler's loop writes; plugins read. A node that left keeps its row, marked absent, until another takes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from master.scheduler.labels import LabelColumn, Labels
from master.scheduler.podinfo import HostPort, PodInfo, normalized_image
from podlab.api import quantity
from podlab.core.v1.node_pb2 import Node, Taint

Integers = NDArray[np.int64]


class Snapshot:
    """`[:size]` of each array is in use. CPU is in thousandths of a core, memory in bytes."""

    def __init__(self) -> None:
        self.size = 0
        self.names: tuple[str, ...] = ()
        self.present: NDArray[np.bool_] = np.zeros(16, np.bool_)
        self.unschedulable: NDArray[np.bool_] = np.zeros(16, np.bool_)
        self.taint_set: NDArray[np.int32] = np.zeros(16, np.int32)
        self.cpu_capacity, self.memory_capacity, self.pods_capacity = (np.zeros(16, np.int64) for _ in range(3))
        self.cpu_used, self.memory_used, self.pods_used = (np.zeros(16, np.int64) for _ in range(3))
        self.cpu_scored, self.memory_scored = (np.zeros(16, np.int64) for _ in range(2))
        self.labels = Labels()
        self.name_column = LabelColumn(16)
        self.taint_sets: list[tuple[Taint, ...]] = [()]  # taint_set holds indexes of this list
        self.host_ports: list[dict[str, tuple[HostPort, ...]]] = []  # by pod uid
        self._row_of: dict[str, int] = {}
        self._free: list[int] = []
        self._taint_number: dict[tuple[bytes, ...], int] = {(): 0}
        self._images: dict[str, dict[int, int]] = {}  # image name -> row -> bytes
        self._images_of: dict[int, dict[str, int]] = {}  # row -> image name -> bytes
        self._image_sizes: dict[str, Integers] = {}  # those of _images that were asked for since they changed
        self._placed: dict[str, str] = {}  # pod uid -> node name
        self._standing: defaultdict[str, dict[str, PodInfo]] = defaultdict(dict)  # node -> pod uid -> what it takes

    @property
    def count(self) -> int:
        """How many nodes there are."""
        return len(self._row_of)

    def row(self, name: str) -> int | None:
        return self._row_of.get(name)

    def set_node(self, node: Node) -> None:
        """Takes in a new or changed node; pods that were placed on its name count at once."""
        name = node.metadata.name
        row = self._row_of.get(name)
        if row is None:
            row = self._new_row(name)
        allocatable = node.status.allocatable
        self.cpu_capacity[row] = quantity.millis(allocatable["cpu"]) if "cpu" in allocatable else 0
        self.memory_capacity[row] = quantity.value(allocatable["memory"]) if "memory" in allocatable else 0
        self.pods_capacity[row] = quantity.value(allocatable["pods"]) if "pods" in allocatable else 0
        self.unschedulable[row] = node.spec.unschedulable
        self.taint_set[row] = self._intern_taints(node.spec.taints)
        self.labels.set(row, dict(node.metadata.labels))
        self._set_images(row, {name: image.sizeBytes for image in node.status.images for name in image.names})

    def remove_node(self, name: str) -> None:
        """Forgets a node; what stands on it stays known, in case it comes back."""
        row = self._row_of.pop(name, None)
        if row is None:
            return
        self.present[row] = False
        self.labels.set(row, {})
        self.name_column.set(row, None)
        self._set_images(row, {})
        self._free.append(row)

    def place(self, info: PodInfo, node_name: str) -> None:
        """Counts the pod on the node, instead of where it was counted before."""
        uid = info.pod.metadata.uid
        self.remove_pod(uid)
        self._placed[uid] = node_name
        self._standing[node_name][uid] = info
        row = self._row_of.get(node_name)
        if row is not None:
            self._count(row, uid, info, 1)

    def remove_pod(self, uid: str) -> bool:
        """Counts the pod nowhere; True when it was counted."""
        node_name = self._placed.pop(uid, None)
        if node_name is None:
            return False
        info = self._standing[node_name].pop(uid)
        if not self._standing[node_name]:
            del self._standing[node_name]
        row = self._row_of.get(node_name)
        if row is not None:
            self._count(row, uid, info, -1)
        return True

    def image_sizes(self, name: str) -> Integers | None:
        """For each row the bytes of the image there, 0 where it is not; None when no node has it."""
        if name not in self._images:
            return None
        sizes = self._image_sizes.get(name)
        if sizes is None or len(sizes) < self.size:
            sizes = np.zeros(len(self.present), np.int64)
            rows = self._images[name]
            sizes[list(rows)] = list(rows.values())
            self._image_sizes[name] = sizes
        return sizes[: self.size]

    def _count(self, row: int, uid: str, info: PodInfo, sign: int) -> None:
        self.cpu_used[row] += sign * info.requests.cpu_millis
        self.memory_used[row] += sign * info.requests.memory_bytes
        self.cpu_scored[row] += sign * info.requests.scored_cpu_millis
        self.memory_scored[row] += sign * info.requests.scored_memory_bytes
        self.pods_used[row] += sign
        if info.host_ports and sign > 0:
            self.host_ports[row][uid] = info.host_ports
        elif info.host_ports:
            self.host_ports[row].pop(uid, None)

    def _new_row(self, name: str) -> int:
        if self._free:
            row = self._free.pop()
            self.names = (*self.names[:row], name, *self.names[row + 1 :])
        else:
            row = self.size
            self.names = (*self.names, name)
            self.host_ports.append({})
            self.size += 1
            if row == len(self.present):
                self._grow()
        self._row_of[name] = row
        self.present[row] = True
        self.name_column.set(row, name)
        self.host_ports[row] = {}
        for used in (self.cpu_used, self.memory_used, self.cpu_scored, self.memory_scored, self.pods_used):
            used[row] = 0
        if name in self._standing:
            for uid, info in self._standing[name].items():
                self._count(row, uid, info, 1)
        return row

    def _grow(self) -> None:
        for name, array in vars(self).items():
            if isinstance(array, np.ndarray):
                setattr(self, name, np.concatenate([array, np.zeros_like(array)]))
        self.name_column.grow(len(self.present))

    def _intern_taints(self, taints: Iterable[Taint]) -> int:
        found = tuple(taints)
        key = tuple(sorted(f"{taint.key}\0{taint.value}\0{taint.effect}".encode() for taint in found))
        if key not in self._taint_number:
            self._taint_number[key] = len(self.taint_sets)
            self.taint_sets.append(found)
        return self._taint_number[key]

    def _set_images(self, row: int, sizes: dict[str, int]) -> None:
        normalized = {normalized_image(name): size for name, size in sizes.items()}
        if self._images_of.get(row) == normalized:
            return
        for name in self._images_of.pop(row, ()):
            rows = self._images[name]
            rows.pop(row, None)
            self._image_sizes.pop(name, None)
            if not rows:
                del self._images[name]
        for name, size in normalized.items():
            self._images.setdefault(name, {})[row] = size
            self._image_sizes.pop(name, None)
        self._images_of[row] = normalized
