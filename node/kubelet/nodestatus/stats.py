"""CPU and memory that the node and its pods use now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from node.kubelet.cri.runtime import ContainerUsage, Runtime
from podlab.v1 import kubelet_pb2

# A rate needs two samples: at most so far apart, and at least so far.
MAX_WINDOW_S = 30.0
MIN_WINDOW_S = 0.5
# systemd makes it when it runs in a container. There psutil sees the whole machine, and the root of the cgroup file
# system is the container's own group.
CONTAINER_FILE = Path("/run/systemd/container")
_V1 = Path("/sys/fs/cgroup")
_V2_CPU, _V2_MEMORY = Path("/sys/fs/cgroup/cpu.stat"), Path("/sys/fs/cgroup/memory.current")


@dataclass(frozen=True)
class UsageSample:
    """CPU time used so far, and memory used now."""

    time_ns: int
    cpu_ns: int
    memory_bytes: int


class StatsProvider:
    """Keeps the last samples, so that most calls need not wait."""

    def __init__(self, runtime: Runtime, node_name: str) -> None:
        self._runtime = runtime
        self._node_name = node_name
        self._node: UsageSample | None = None
        self._containers: dict[str, ContainerUsage] = {}
        self._last: kubelet_pb2.StatsResponse | None = None
        self._reading = asyncio.Lock()

    async def read(self) -> kubelet_pb2.StatsResponse:
        """Raises RuntimeFailure. Calls within MIN_WINDOW_S get the same response."""
        async with self._reading:
            if self._last is None or not 0 <= time.time_ns() - self._last.time_ns < MIN_WINDOW_S * 1e9:
                self._last = await self._measure()
            return self._last

    async def _measure(self) -> kubelet_pb2.StatsResponse:
        node, containers = self._node, self._containers
        if node is None or time.time_ns() - node.time_ns > MAX_WINDOW_S * 1e9:
            node, containers = await self._sample()
            await asyncio.sleep(MIN_WINDOW_S)
        self._node, self._containers = await self._sample()
        response = kubelet_pb2.StatsResponse(
            node_name=self._node_name,
            cpu_nanocores=_rate(self._node.cpu_ns - node.cpu_ns, self._node.time_ns - node.time_ns),
            memory_working_set_bytes=self._node.memory_bytes,
            time_ns=self._node.time_ns,
            window_ns=self._node.time_ns - node.time_ns,
        )
        response.pods.extend(_pods(list(self._containers.values()), containers))
        return response

    async def _sample(self) -> tuple[UsageSample, dict[str, ContainerUsage]]:
        usages = {usage.container_id: usage for usage in await self._runtime.usage() if usage.pod_uid}
        return node_sample(), usages


def node_sample() -> UsageSample:
    """Of this machine, or of the container that stands in for a machine."""
    if CONTAINER_FILE.exists():
        if _V2_MEMORY.exists():
            cpu_ns = int(_stat(_V2_CPU)["usage_usec"]) * 1000
            reclaimable = _stat(_V2_MEMORY.with_name("memory.stat")).get("inactive_file", 0)
            return UsageSample(time.time_ns(), cpu_ns, int(_V2_MEMORY.read_text()) - reclaimable)
        if (_V1 / "memory/memory.usage_in_bytes").exists() and (_V1 / "cpuacct/cpuacct.usage").exists():
            cpu_ns = int((_V1 / "cpuacct/cpuacct.usage").read_text())
            used = int((_V1 / "memory/memory.usage_in_bytes").read_text())
            reclaimable = _stat(_V1 / "memory/memory.stat").get("total_inactive_file", 0)
            return UsageSample(time.time_ns(), cpu_ns, used - reclaimable)
    times = psutil.cpu_times()
    busy_s = sum(times) - times.idle - getattr(times, "iowait", 0.0)
    memory = psutil.virtual_memory()
    return UsageSample(time.time_ns(), int(busy_s * 1e9), int(memory.total - memory.available))


def _pods(now: Sequence[ContainerUsage], before: dict[str, ContainerUsage]) -> list[kubelet_pb2.PodUsage]:
    pods: dict[str, kubelet_pb2.PodUsage] = {}
    for usage in now:
        pod = pods.setdefault(
            usage.pod_uid,
            kubelet_pb2.PodUsage(namespace=usage.pod_namespace, name=usage.pod_name, uid=usage.pod_uid),
        )
        old = before.get(usage.container_id)
        rate = _rate(usage.cpu_ns - old.cpu_ns, usage.timestamp_ns - old.timestamp_ns) if old is not None else 0
        pod.containers.add(name=usage.container_name, cpu_nanocores=rate, memory_working_set_bytes=usage.memory_bytes)
    return list(pods.values())


def _rate(used_ns: int, elapsed_ns: int) -> int:
    """Nanoseconds of CPU per second."""
    return max(0, used_ns * 1_000_000_000 // elapsed_ns) if elapsed_ns > 0 else 0


def _stat(path: Path) -> dict[str, int]:
    lines = (line.split() for line in path.read_text().splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdigit()}
