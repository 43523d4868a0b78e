"""Nominated pods: a node keeps room for each of them, against all pods that are not more important.

https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#user-exposed-information
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Snapshot


@dataclass
class _NominatedPod:
    info: PodInfo
    node_name: str
    in_snapshot: bool = False


@dataclass
class _PriorityLevel:
    """The nominated pods of one priority, and whether they are in the snapshot, but for those in `_exceptions`."""

    in_snapshot: bool = False
    pods: dict[str, _NominatedPod] = field(default_factory=dict)


class NominatedPods:
    """Which pods are nominated to which nodes. While a pod is scheduled, those it has to respect are in the snapshot.

    From one scheduled pod to the next only what differs is moved: of a thousand nominated pods of one priority, two.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._pods: dict[str, _NominatedPod] = {}
        self._levels: dict[int, _PriorityLevel] = {}
        self._exceptions: set[str] = set()  # pods that may differ from `in_snapshot` of their level

    @property
    def any(self) -> bool:
        """Whether there are nominated pods."""
        return bool(self._pods)

    def add(self, info: PodInfo, node_name: str) -> None:
        """Nominates the pod to the node."""
        self.remove(info.uid)
        nominated = self._pods[info.uid] = _NominatedPod(info, node_name)
        self._levels.setdefault(info.pod.spec.priority, _PriorityLevel()).pods[info.uid] = nominated
        self._exceptions.add(info.uid)

    def remove(self, uid: str) -> PodInfo | None:
        """Ends the pod's nomination and frees its room. Returns the pod, None when it was not nominated."""
        nominated = self._pods.pop(uid, None)
        if nominated is None:
            return None
        priority = nominated.info.pod.spec.priority
        del self._levels[priority].pods[uid]
        if not self._levels[priority].pods:
            del self._levels[priority]
        self._exceptions.discard(uid)
        self._move(nominated, into_snapshot=False)
        return nominated.info

    def node_of(self, uid: str) -> str:
        """The node that the pod is nominated to; empty for none."""
        nominated = self._pods.get(uid)
        return nominated.node_name if nominated else ""

    def prepare_snapshot_for(self, info: PodInfo) -> None:
        """Puts the nominated pods into the snapshot that are at least as important as the pod, and no others."""
        for priority, level in self._levels.items():
            in_snapshot = priority >= info.pod.spec.priority
            if level.in_snapshot != in_snapshot:
                level.in_snapshot = in_snapshot
                self._exceptions.update(level.pods)
        itself = {info.uid} & self._pods.keys()
        for uid in self._exceptions | itself:
            nominated = self._pods[uid]
            level = self._levels[nominated.info.pod.spec.priority]
            self._move(nominated, into_snapshot=uid not in itself and level.in_snapshot)
        self._exceptions = itself

    @property
    def in_snapshot(self) -> Iterator[PodInfo]:
        """The nominated pods that are in the snapshot."""
        return (each.info for each in self._pods.values() if each.in_snapshot)

    @contextmanager
    def outside_snapshot(self) -> Iterator[None]:
        """Takes all nominated pods out of the snapshot meanwhile."""
        moved = [each for each in self._pods.values() if each.in_snapshot]
        for each in moved:
            self._move(each, into_snapshot=False)
        try:
            yield
        finally:
            for each in moved:
                self._move(each, into_snapshot=True)

    def of_lower_priority(self, node_name: str, priority: int) -> list[PodInfo]:
        """The pods nominated to the node that are less important than this."""
        return [
            each.info
            for of_level, level in self._levels.items()
            if of_level < priority
            for each in level.pods.values()
            if each.node_name == node_name
        ]

    def _move(self, nominated: _NominatedPod, *, into_snapshot: bool) -> None:
        if into_snapshot and not nominated.in_snapshot:
            self._snapshot.add_pod(nominated.info, nominated.node_name)
        elif nominated.in_snapshot and not into_snapshot:
            self._snapshot.remove_pod(nominated.info.uid)
        nominated.in_snapshot = into_snapshot
