"""Which containers have processors for themselves, kept in a file over restarts.

https://kubernetes.io/docs/tasks/administer-cluster/cpu-management-policies/
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypedDict

from node.kubelet.cpus import cpuset, topology
from node.kubelet.cpus.topology import Processor
from node.kubelet.disk.state_file import StateFile
from node.kubelet.pod import podspec
from node.kubelet.pod.room import Room, at_once
from podlab.api.pods.qos import GUARANTEED, qos_class
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2

log = logging.getLogger(__name__)

_LOST = "containers that start again are given processors anew"


class CpuError(Exception):
    """Why a container cannot have processors for itself, in Kubernetes' words."""


class _CpuState(TypedDict):
    """Containers' processors by pod and container."""

    exclusive: dict[str, dict[str, str]]


def wanted(pod: pod_pb2.Pod, container: pod_pb2.Container) -> int:
    """How many processors the container is to have for itself: all that it asks for, if these are whole ones and its
    pod is Guaranteed."""
    cpu = container.resources.requests.get("cpu", container.resources.limits.get("cpu"))
    if cpu is None or qos_class(pod.spec) != GUARANTEED:
        return 0
    millis = quantity.millis(cpu)
    return millis // 1000 if millis % 1000 == 0 else 0


class ExclusiveCpus:
    """Of all processors but the reserved ones. Every change is written down before it counts, or raises OSError.

    The shared pool, which all other containers have, is what is left; the reserved ones are always part of it.
    """

    def __init__(self, path: Path, processors: Sequence[Processor], reserved: frozenset[int]) -> None:
        self._file = StateFile[_CpuState](path, _LOST)
        self._processors = processors
        self._reserved = reserved
        self._online = frozenset(each.cpu for each in processors)
        self._given = self._stored(path)

    @property
    def shared(self) -> frozenset[int]:
        """Those that no container has for itself."""
        return self._online - self._in_use()

    def of(self, pod_uid: str, container: str) -> frozenset[int]:
        """What the container has for itself; nothing where it has the shared pool."""
        return self._given.get(pod_uid, {}).get(container, frozenset())

    def pod_uids(self) -> set[str]:
        """Of those that have processors."""
        return set(self._given)

    @property
    def allocatable(self) -> frozenset[int]:
        """Those that may be given away."""
        return self._online - self._reserved

    def room(self, pod: pod_pb2.Pod, container: pod_pb2.Container) -> Room[int] | None:
        """What the container could be given; None where it is to have nothing, or has it."""
        given = self._given.get(pod.metadata.uid, {})
        count = wanted(pod, container)
        if not count or container.name in given:
            return None
        return Room(count, self.allocatable - self._in_use(), podspec.left_by_init(pod, container.name, given))

    def room_of_pod(self, pod: pod_pb2.Pod) -> Room[int] | None:
        """The same of all its containers together."""
        count = at_once(pod, lambda container: wanted(pod, container))
        return Room(count, self.allocatable - self._in_use()) if count else None

    def allocate(self, pod: pod_pb2.Pod, *, only: str = "", near: frozenset[int] = frozenset()) -> None:
        """All that the pod's containers are to have, or none; with `only`, that container alone. Of free processors,
        those of `near` come first. Raises CpuError."""
        uid = pod.metadata.uid
        given = dict(self._given.get(uid, {}))
        for container in (*pod.spec.initContainers, *pod.spec.containers):
            count = wanted(pod, container)
            if not count or container.name in given or only not in ("", container.name):
                continue
            given[container.name] = self._choose(pod, container.name, count, near, given)
        if given == self._given.get(uid, {}):
            return
        try:
            self._put({**self._given, uid: given})
        except OSError as error:
            raise CpuError(f"could not write checkpoint: {error}") from error
        for name, cpus in given.items():
            log.info("container %s of pod %s has the processors %s for itself", name, uid, cpuset.text(cpus))

    def _choose(
        self, pod: pod_pb2.Pod, container: str, count: int, near: frozenset[int], given: dict[str, frozenset[int]]
    ) -> frozenset[int]:
        """Raises CpuError."""
        reused = podspec.left_by_init(pod, container, given)
        own = frozenset[int]().union(*given.values())
        free = (self.allocatable - self._in_use() - own) | reused
        chosen: list[int] = []
        for group in (reused, free & near, free):
            rest = group - set(chosen)
            chosen += topology.take(self._processors, rest, min(count - len(chosen), len(rest)))
        if len(chosen) < count:
            counts = f"requested={count}, available={len(free)}"
            raise CpuError(f"not enough cpus available to satisfy request: {counts}")
        return frozenset(chosen)

    def forget(self, pod_uids: Iterable[str]) -> bool:
        """These pods have nothing any more. Whether they had something."""
        gone = self._given.keys() & set(pod_uids)
        if gone:
            self._put({uid: given for uid, given in self._given.items() if uid not in gone})
        return bool(gone)

    def _in_use(self) -> frozenset[int]:
        return frozenset(cpu for given in self._given.values() for cpus in given.values() for cpu in cpus)

    def _put(self, given: dict[str, dict[str, frozenset[int]]]) -> None:
        told = {uid: {name: cpuset.text(cpus) for name, cpus in of.items()} for uid, of in given.items()}
        self._file.save({"exclusive": told})
        self._given = given

    def _stored(self, path: Path) -> dict[str, dict[str, frozenset[int]]]:
        state = self._file.load()
        try:
            told = state["exclusive"] if state is not None else {}
            found = {uid: {name: cpuset.parse(cpus) for name, cpus in of.items()} for uid, of in told.items()}
        except (KeyError, ValueError, AttributeError) as error:
            log.error("%s cannot be understood: %s; %s", path, error, _LOST)
            return {}
        if not all(cpus <= self.allocatable for of in found.values() for cpus in of.values()):
            log.error("%s tells of processors that cannot be given away any more; %s", path, _LOST)
            return {}
        return found
