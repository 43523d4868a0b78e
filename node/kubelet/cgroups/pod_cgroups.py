"""The control groups of the node's pods, as its kubelet keeps them: one for each class, and in it one for each pod."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from node.kubelet.cgroups import layout
from node.kubelet.cgroups.groups import Groups
from node.kubelet.cgroups.layout import GroupLimits
from podlab.api.pods.qos import BEST_EFFORT, BURSTABLE
from podlab.core.v1 import pod_pb2

_BURSTABLE, _BEST_EFFORT = layout.CLASSES[BURSTABLE], layout.CLASSES[BEST_EFFORT]


class PodCgroups:
    """Every call that changes groups raises OSError; the kernel does not take memory from who uses it, for example."""

    def __init__(self, groups: Groups, node: GroupLimits) -> None:
        """`node` is what all pods together may use."""
        self._groups: Final = groups
        self._node = node
        self._set: dict[str, GroupLimits] = {}
        self._pods: dict[str, pod_pb2.Pod] = {}
        self._classes: Mapping[str, GroupLimits] = {}
        self._writing = asyncio.Lock()

    async def admit(self, pod: pod_pb2.Pod) -> None:
        """Makes the pod's group, before its sandbox is."""
        await self.set(pod, layout.of_pod(pod))

    async def set(self, pod: pod_pb2.Pod, limits: GroupLimits) -> None:
        """The pod may use so much from now on."""
        self._pods[pod.metadata.uid] = pod
        async with self._writing:
            await asyncio.to_thread(self._write, pod, limits)

    def is_set(self, pod: pod_pb2.Pod) -> bool:
        """Whether the pod's group has the limits that the pod is to have, or the pod has no group: those do not have
        one that an earlier release's kubelet started."""
        wanted = layout.of_pod(pod)
        if self._set.get(pod.metadata.uid) == wanted:
            return True
        told, group = layout.settings(wanted, unified=False) | layout.settings(wanted, unified=True), layout.path(pod)
        present = self._groups.limits(group)
        if all(_same(value, told[name]) for name, value in present.items()):
            self._set[pod.metadata.uid] = wanted
            self._pods[pod.metadata.uid] = pod
            return True
        return False

    async def memory_used(self, pod: pod_pb2.Pod) -> int:
        """In bytes, by all of the pod's containers."""
        return await asyncio.to_thread(self._groups.memory_used, layout.path(pod))

    async def widen(self, pod: pod_pb2.Pod) -> None:
        """Before containers grow: gives the pod's group room for what it was and for what it is to be."""
        before = self._set.get(pod.metadata.uid)
        wanted = layout.of_pod(pod)
        await self.set(pod, layout.widest(before, wanted) if before is not None else wanted)

    async def remove(self, uid: str) -> None:
        """The runtime runs nothing of the pod any more. Deleting what is gone is success."""
        self._set.pop(uid, None)
        self._pods.pop(uid, None)
        await asyncio.to_thread(self._remove, uid)  # others' groups do not wait for what ends in this one
        async with self._writing:
            if self._classes:
                await asyncio.to_thread(self._write_classes)

    def _write(self, pod: pod_pb2.Pod, limits: GroupLimits) -> None:
        self._write_classes()
        self._groups.write(layout.path(pod), limits)
        self._set[pod.metadata.uid] = limits

    def _write_classes(self) -> None:
        wanted = {
            layout.ROOT: self._node,
            _BURSTABLE: layout.of_burstable([*self._pods.values()]),
            _BEST_EFFORT: GroupLimits(layout.MIN_SHARES),
        }
        for group, limits in wanted.items():
            if self._classes.get(group) != limits:
                self._groups.write(group, limits)
        self._classes = wanted

    def _remove(self, uid: str) -> None:
        for above in layout.CLASSES.values():
            self._groups.remove(f"{above}/{layout.name(uid)}")


def _same(told: str, wanted: str) -> bool:
    """The kernel rounds memory down to whole pages, and tells none of a limit as the most there can be."""
    if told == wanted:
        return True
    if not told.isdigit() or not wanted.lstrip("-").isdigit():
        return False
    return int(told) >= 1 << 62 if wanted == "-1" else 0 <= int(wanted) - int(told) < 1 << 16
