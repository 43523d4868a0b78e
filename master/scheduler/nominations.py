"""Pods for which room is being made on a node: until they get it, it is taken for all that are not more important.

https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#user-exposed-information
"""

from __future__ import annotations

from dataclasses import dataclass

from master.scheduler.podinfo import PodInfo
from master.scheduler.snapshot import Snapshot


@dataclass
class _Nominated:
    info: PodInfo
    node_name: str
    is_placed: bool = False


class Nominations:
    """Which pods are nominated to which nodes. They stand in the snapshot for those only whom they hold off."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._pods: dict[str, _Nominated] = {}

    def nominate(self, info: PodInfo, node_name: str) -> None:
        """From now on room on the node is kept for the pod."""
        self.forget(info.pod.metadata.uid)
        self._pods[info.pod.metadata.uid] = _Nominated(info, node_name)

    def forget(self, uid: str) -> PodInfo | None:
        """The pod has its node, another plan, or is gone; what was kept for it is free. None when nothing was."""
        nominated = self._pods.pop(uid, None)
        if nominated is None:
            return None
        self._set_placed(nominated, False)
        return nominated.info

    def node_of(self, uid: str) -> str:
        """Where room is kept for the pod; empty for nowhere."""
        nominated = self._pods.get(uid)
        return nominated.node_name if nominated else ""

    def arrange_for(self, info: PodInfo) -> None:
        """Makes the snapshot what the pod is to see of the others: those at least as important take their room."""
        uid, priority = info.pod.metadata.uid, info.pod.spec.priority
        for other, nominated in self._pods.items():
            self._set_placed(nominated, other != uid and nominated.info.pod.spec.priority >= priority)

    def less_important(self, node_name: str, priority: int) -> list[PodInfo]:
        """Those nominated to the node that have to look anew when a pod of this priority is nominated to it."""
        return [
            each.info
            for each in self._pods.values()
            if each.node_name == node_name and each.info.pod.spec.priority < priority
        ]

    def _set_placed(self, nominated: _Nominated, placed: bool) -> None:
        if placed and not nominated.is_placed:
            self._snapshot.place(nominated.info, nominated.node_name)
        elif nominated.is_placed and not placed:
            self._snapshot.remove_pod(nominated.info.pod.metadata.uid)
        nominated.is_placed = placed
