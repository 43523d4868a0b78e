"""Keeps containers on their processors: some have theirs for themselves, all others share the rest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from node.kubelet.cpus import cpuset, topology
from node.kubelet.cpus.exclusive import ExclusiveCpus
from node.kubelet.cri.runtime import Runtime, RuntimeFailure
from node.kubelet.pod.room import Room
from node.kubelet.settings import NONE, STATIC, CpuManagerSettings
from podlab.core.v1 import pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri
from podlab.settings import SettingsError

log = logging.getLogger(__name__)

PERIOD_S = 10.0


def exclusive(settings: CpuManagerSettings, path: Path) -> ExclusiveCpus | None:
    """None for the policy `none`. Raises SettingsError where the machine cannot do what is asked for."""
    if settings.policy not in (NONE, STATIC):
        raise SettingsError(f"cpu_manager.policy: expected {NONE} or {STATIC}, found {settings.policy!r}")
    if settings.policy == NONE:
        return None
    if not topology.has_cpusets():
        raise SettingsError("cpu_manager.policy: static needs the cgroup controller cpuset, which this machine lacks")
    try:
        processors, reserved = topology.read(), cpuset.parse(settings.reserved_cpus)
    except (OSError, ValueError) as error:
        raise SettingsError(f"cpu_manager: which processors there are cannot be read: {error}") from error
    if not reserved or not reserved < {each.cpu for each in processors}:
        there = cpuset.text(each.cpu for each in processors)
        raise SettingsError(
            "cpu_manager.reserved_cpus: the static policy requires processors that are never given away, some of"
            f" {there}; found {settings.reserved_cpus!r}"
        )
    return ExclusiveCpus(path, processors, reserved)


class CpuManager:
    """`run` for ever. Without exclusive processors it does nothing."""

    def __init__(self, cpus: ExclusiveCpus | None, runtime: Runtime) -> None:
        self._cpus = cpus
        self._runtime = runtime
        self._changed = asyncio.Event()
        self._applied: dict[str, str] = {}
        """By container id."""

    @property
    def is_static(self) -> bool:
        """Whether containers may have processors for themselves."""
        return self._cpus is not None

    async def run(self, is_here: Callable[[str], bool], period_s: float = PERIOD_S) -> None:
        """Takes back what pods had that are not here any more, and gives running containers the pool of now."""
        while self._cpus is not None:
            self._changed.clear()
            try:
                self._cpus.forget([uid for uid in self._cpus.pod_uids() if not is_here(uid)])
                await self._apply()
            except (RuntimeFailure, OSError) as error:
                log.warning("containers cannot be given their processors: %s; again in %.0f s", error, period_s)
            try:
                async with asyncio.timeout(period_s):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def allocate(self, pod: pod_pb2.Pod, *, only: str = "", near: frozenset[int] = frozenset()) -> None:
        """Gives the pod's containers the processors that they are to have for themselves; see ExclusiveCpus. Raises
        CpuError."""
        if self._cpus is not None:
            self._cpus.allocate(pod, only=only, near=near)
            self._changed.set()

    def room(self, pod: pod_pb2.Pod, container: pod_pb2.Container | None) -> Room[int] | None:
        """What the container, or without one the pod, could be given; None where it is to have nothing for itself."""
        if self._cpus is None:
            return None
        return self._cpus.room_of_pod(pod) if container is None else self._cpus.room(pod, container)

    def release(self, pod_uid: str) -> None:
        """Nothing of the pod runs any more. Raises OSError."""
        if self._cpus is not None and self._cpus.forget([pod_uid]):
            self._changed.set()

    def ids(self, pod_uid: str, container: str) -> list[int]:
        """What the container has for itself."""
        return sorted(self._cpus.of(pod_uid, container)) if self._cpus is not None else []

    def allocatable(self) -> list[int]:
        """What may be given away."""
        return sorted(self._cpus.allocatable) if self._cpus is not None else []

    def confine(self, pod: pod_pb2.Pod, container: str, resources: cri.LinuxContainerResources) -> None:
        """Says in what the runtime is told of a new container where it may run. Who has processors for himself is not
        held back by a quota."""
        if self._cpus is None:
            return
        resources.cpuset_cpus = self._place(pod.metadata.uid, container)
        if self._cpus.of(pod.metadata.uid, container):
            resources.cpu_quota = -1

    def _place(self, pod_uid: str, container: str) -> str:
        assert self._cpus is not None
        return cpuset.text(self._cpus.of(pod_uid, container) or self._cpus.shared)

    async def _apply(self) -> None:
        alive = [(uid, run) for uid, pod in (await self._runtime.pods()).items() for run in pod.alive]
        self._applied = {run.id: self._applied[run.id] for _, run in alive if run.id in self._applied}
        for uid, run in alive:
            place = self._place(uid, run.name)
            if self._applied.get(run.id) != place:
                await self._runtime.update_container(run.id, cri.LinuxContainerResources(cpuset_cpus=place))
                self._applied[run.id] = place
