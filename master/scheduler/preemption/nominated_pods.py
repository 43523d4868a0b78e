"""Pods for which room is being made on a node: until they get it, it is taken for all that are not more important.

https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#user-exposed-information
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Snapshot


@dataclass
class _Nominated:
    info: PodInfo
    node_name: str
    is_placed: bool = False


@dataclass
class _Level:
    """Those of one priority. When they stand, all are in the snapshot but those that are `_out`."""

    stands: bool = False
    pods: dict[str, _Nominated] = field(default_factory=dict)


class Nominations:
    """Which pods are nominated to which nodes. They stand in the snapshot for those only whom they hold off.

    From pod to pod only what differs is moved: of a thousand nominated pods of one priority, two.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._pods: dict[str, _Nominated] = {}
        self._levels: dict[int, _Level] = {}
        self._out: set[str] = set()  # they may stand otherwise than their level says

    @property
    def any(self) -> bool:
        """Whether room is being kept for anybody."""
        return bool(self._pods)

    def nominate(self, info: PodInfo, node_name: str) -> None:
        """From now on room on the node is kept for the pod."""
        self.forget(info.uid)
        nominated = self._pods[info.uid] = _Nominated(info, node_name)
        self._levels.setdefault(info.pod.spec.priority, _Level()).pods[info.uid] = nominated
        self._out.add(info.uid)

    def forget(self, uid: str) -> PodInfo | None:
        """The pod has its node, another plan, or is gone; what was kept for it is free. None when nothing was."""
        nominated = self._pods.pop(uid, None)
        if nominated is None:
            return None
        priority = nominated.info.pod.spec.priority
        del self._levels[priority].pods[uid]
        if not self._levels[priority].pods:
            del self._levels[priority]
        self._out.discard(uid)
        self._set_placed(nominated, False)
        return nominated.info

    def node_of(self, uid: str) -> str:
        """Where room is kept for the pod; empty for nowhere."""
        nominated = self._pods.get(uid)
        return nominated.node_name if nominated else ""

    def arrange_for(self, info: PodInfo) -> None:
        """Makes the snapshot what the pod is to see of the others: those at least as important take their room."""
        for priority, level in self._levels.items():
            stands = priority >= info.pod.spec.priority
            if level.stands != stands:
                level.stands = stands
                self._out.update(level.pods)
        itself = {info.uid} & self._pods.keys()
        for uid in self._out | itself:
            nominated = self._pods[uid]
            self._set_placed(nominated, uid not in itself and self._levels[nominated.info.pod.spec.priority].stands)
        self._out = itself

    @property
    def standing(self) -> Iterator[PodInfo]:
        """Those that stand in the snapshot."""
        return (each.info for each in self._pods.values() if each.is_placed)

    @contextmanager
    def left_out(self) -> Iterator[None]:
        """Meanwhile none of them stands in the snapshot."""
        standing = [each for each in self._pods.values() if each.is_placed]
        for each in standing:
            self._set_placed(each, False)
        try:
            yield
        finally:
            for each in standing:
                self._set_placed(each, True)

    def less_important(self, node_name: str, priority: int) -> list[PodInfo]:
        """Those nominated to the node that have to look anew when a pod of this priority is nominated to it."""
        return [
            each.info
            for at, level in self._levels.items()
            if at < priority
            for each in level.pods.values()
            if each.node_name == node_name
        ]

    def _set_placed(self, nominated: _Nominated, placed: bool) -> None:
        if placed and not nominated.is_placed:
            self._snapshot.place(nominated.info, nominated.node_name)
        elif nominated.is_placed and not placed:
            self._snapshot.remove_pod(nominated.info.uid)
        nominated.is_placed = placed
