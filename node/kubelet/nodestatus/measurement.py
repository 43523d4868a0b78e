"""All that is told of a node's and its pods' use at one time: to metrics agents, and as Kubernetes' summary."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from node.kubelet.cri.runtime import Container, ContainerUsage, Runtime
from node.kubelet.disk import processes
from node.kubelet.nodestatus import cgroups
from node.kubelet.nodestatus.cgroups import GroupUse, Stalls
from node.kubelet.nodestatus.stats import StatsProvider, UsageSample, node_sample
from podlab.core.v1 import pod_pb2


@dataclass(frozen=True)
class Interface:
    """Of a network interface: bytes, packets, errors and drops, both ways."""

    name: str
    rx_bytes: int
    rx_packets: int
    rx_errors: int
    rx_dropped: int
    tx_bytes: int
    tx_packets: int
    tx_errors: int
    tx_dropped: int


@dataclass(frozen=True)
class Filesystem:
    """Bytes and inodes."""

    available: int
    capacity: int
    inodes_free: int
    inodes: int


@dataclass(frozen=True)
class ContainerReading:
    """One running container. `cpu_nanocores` is the average of the last seconds; `written_bytes` is what it wrote
    outside of mounts."""

    id: str
    name: str
    image: str
    started_s: float
    use: GroupUse
    cpu_nanocores: int
    processes: int
    written_bytes: int
    written_inodes: int


@dataclass(frozen=True)
class PodReading:
    """A pod of which something runs."""

    pod: pod_pb2.Pod
    containers: tuple[ContainerReading, ...]
    interfaces: tuple[Interface, ...] = ()
    processes: int = 0

    @property
    def cpu_ns(self) -> int:
        return sum(each.use.cpu_ns for each in self.containers)

    @property
    def working_set_bytes(self) -> int:
        return sum(each.use.working_set_bytes for each in self.containers)


@dataclass(frozen=True)
class NodeReading:
    """The node at `time_ns`, with what all its pods use."""

    name: str
    time_ns: int
    sample: UsageSample
    cpu_nanocores: int
    nodefs: Filesystem
    imagefs: Filesystem
    pods: tuple[PodReading, ...]
    interfaces: tuple[Interface, ...]
    stalls: Stalls
    memory_bytes: int
    processes: int
    max_processes: int
    started_s: float


@dataclass(frozen=True)
class Surveyor:
    """Measures when it is asked. `pods` are those that are bound to the node."""

    node_name: str
    root: Path
    runtime: Runtime
    stats: StatsProvider
    pods: Callable[[], Iterable[pod_pb2.Pod]]

    async def measure(self) -> NodeReading:
        """Raises RuntimeFailure, OSError."""
        told = await self.stats.read()
        rates = {(pod.uid, one.name): one.cpu_nanocores for pod in told.pods for one in pod.containers}
        found, images = await self.runtime.pods(), await self.runtime.image_directory()
        written = {each.container_id: each for each in await self.runtime.usage()}
        seen = await asyncio.to_thread(_look)
        running = [pod for pod in self.pods() if pod.metadata.uid in found and found[pod.metadata.uid].alive]
        pods = []
        for pod in running:
            uid = pod.metadata.uid
            containers = tuple(
                _container(run, rates.get((uid, run.name), 0), written.get(run.id), seen) for run in found[uid].alive
            )
            interfaces = () if pod.spec.hostNetwork else seen.interfaces.get(uid, ())
            pods.append(PodReading(pod, containers, interfaces, seen.pod_counts.get(uid, 0)))
        return await asyncio.to_thread(self._node, told.cpu_nanocores, tuple(pods), images)

    def _node(self, cpu_nanocores: int, pods: tuple[PodReading, ...], images: Path) -> NodeReading:
        return NodeReading(
            name=self.node_name,
            time_ns=time.time_ns(),
            sample=node_sample(),
            cpu_nanocores=cpu_nanocores,
            nodefs=_filesystem(self.root),
            imagefs=_filesystem(images),
            pods=pods,
            interfaces=_interfaces(Path("/proc/net/dev").read_text()),
            stalls=cgroups.stalls(cgroups.NODE_STALLS),
            memory_bytes=int(psutil.virtual_memory().total),
            processes=len(psutil.pids()),
            max_processes=int(Path("/proc/sys/kernel/pid_max").read_text()),
            started_s=psutil.boot_time(),
        )


@dataclass
class _Seen:
    """What one walk over all processes finds: by container, and by pod."""

    uses: dict[str, GroupUse] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    pod_counts: dict[str, int] = field(default_factory=dict)
    interfaces: dict[str, tuple[Interface, ...]] = field(default_factory=dict)


def _container(run: Container, cpu_nanocores: int, told: ContainerUsage | None, seen: _Seen) -> ContainerReading:
    return ContainerReading(
        run.id,
        run.name,
        run.image,
        run.started_ns / 1e9,
        seen.uses.get(run.id, GroupUse()),
        cpu_nanocores,
        seen.counts.get(run.id, 0),
        told.written_bytes if told is not None else 0,
        told.written_inodes if told is not None else 0,
    )


def _look() -> _Seen:
    seen = _Seen()
    for each in processes.of_pods():
        seen.counts[each.container_id] = seen.counts.get(each.container_id, 0) + 1
        seen.pod_counts[each.pod_uid] = seen.pod_counts.get(each.pod_uid, 0) + 1
        if each.container_id not in seen.uses:
            seen.uses[each.container_id] = cgroups.read(each.groups)
        if each.pod_uid not in seen.interfaces:
            try:
                seen.interfaces[each.pod_uid] = _interfaces((processes.PROC / f"{each.pid}/net/dev").read_text())
            except OSError:  # it has ended meanwhile
                continue
    return seen


def _interfaces(text: str) -> tuple[Interface, ...]:
    """Of the text of /proc/net/dev, but for the loopback."""
    found = []
    for line in text.splitlines()[2:]:
        name, _, rest = line.partition(":")
        if name.strip() != "lo":
            rx, tx = (numbers[:4] for numbers in _halves([int(word) for word in rest.split()]))
            found.append(Interface(name.strip(), *rx, *tx))
    return tuple(found)


def _halves(numbers: list[int]) -> tuple[list[int], list[int]]:
    return numbers[:8], numbers[8:]


def _filesystem(path: Path) -> Filesystem:
    status = os.statvfs(path)
    size = status.f_frsize
    return Filesystem(status.f_bavail * size, status.f_blocks * size, status.f_favail, status.f_files)
