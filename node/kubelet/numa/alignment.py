"""Gives containers devices and processors, near to each other as the settings of the topology manager have it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from node.kubelet.cpus.manager import CpuManager
from node.kubelet.deviceplugins.manager import DeviceManager
from node.kubelet.numa import hints
from node.kubelet.numa.hints import Hint
from node.kubelet.numa.nodes import NumaNode
from node.kubelet.settings import NONE, POD, TopologyManagerSettings
from podlab.core.v1 import pod_pb2

REASON = "TopologyAffinityError"


class TopologyAffinityError(Exception):
    """No NUMA nodes suit all that a container is to have, as the policy wants it."""

    def __init__(self) -> None:
        super().__init__("Resources cannot be allocated with Topology locality")


class Alignment:
    """Without nodes, or with the policy `none`, everything may come from anywhere."""

    def __init__(
        self,
        settings: TopologyManagerSettings,
        nodes: Sequence[NumaNode],
        devices: DeviceManager,
        cpus: CpuManager,
    ) -> None:
        self._settings = settings
        self._nodes = {node.number: node for node in nodes}
        self._near = {cpu: (node.number,) for node in nodes for cpu in node.cpus}
        self._devices = devices
        self._cpus = cpus
        # Nobody takes away what somebody else was just found to have room for. Who has no wish does not wait.
        self._lock = asyncio.Lock()

    async def allocate(self, pod: pod_pb2.Pod) -> None:
        """All that the pod's containers are to have. Raises TopologyAffinityError, DeviceError, CpuError: then it may
        have some of it, until it is released."""
        if self._settings.policy == NONE or not self._nodes or not list(self._wishes(pod, None)):
            await self._devices.allocate(pod)
            self._cpus.allocate(pod)
            return
        async with self._lock:
            await self._allocate(pod)

    async def _allocate(self, pod: pod_pb2.Pod) -> None:
        whole = self._judge(pod, None) if self._settings.scope == POD else None
        for container in (*pod.spec.initContainers, *pod.spec.containers):
            chosen = self._judge(pod, container) if whole is None else whole
            near = frozenset(cpu for number in chosen for cpu in self._nodes[number].cpus)
            self._cpus.allocate(pod, only=container.name, near=near)
            await self._devices.allocate(pod, only=container.name, near=chosen)

    def _judge(self, pod: pod_pb2.Pod, container: pod_pb2.Container | None) -> frozenset[int]:
        """The nodes from which all that the container is to have comes; without one, the whole pod. Raises
        TopologyAffinityError."""
        chosen, admitted = hints.merge(self._settings.policy, self._nodes, self._wishes(pod, container))
        if not admitted:
            raise TopologyAffinityError
        return chosen

    def _wishes(self, pod: pod_pb2.Pod, container: pod_pb2.Container | None) -> Iterator[list[Hint]]:
        if (room := self._cpus.room(pod, container)) is not None:
            yield hints.of_counted(self._nodes, self._near, room.free, room.reused, room.count)
        for resource, of in self._devices.rooms(pod, "" if container is None else container.name).items():
            yield hints.of_counted(self._nodes, self._devices.near(resource), of.free, of.reused, of.count)
