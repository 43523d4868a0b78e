"""Measures what pods take of the node's disk, and compares it with their limits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from node.kubelet.cri.runtime import Runtime
from node.kubelet.disk import file_tree
from node.kubelet.eviction import storage_limits
from node.kubelet.eviction.storage_limits import STORAGE, DiskUsage
from node.kubelet.logs import log_files
from node.kubelet.volume.volume_manager import VolumeManager
from podlab.api.pods import podresources
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2


class EphemeralStorageMonitor:
    """Measures one pod after the other, in one thread: a pod with a million files delays no other work."""

    def __init__(self, volumes: VolumeManager, runtime: Runtime) -> None:
        self._volumes = volumes
        self._runtime = runtime
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ephemeral-storage")

    def is_limited(self, pod: pod_pb2.Pod) -> bool:
        """Whether the pod has a limit on its disk usage."""
        return bool(storage_limits.volume_limits(pod)) or STORAGE in podresources.limits(pod.spec)

    async def exceeded_limit(self, pod: pod_pb2.Pod) -> str:
        """The message about a limit that the pod exceeds; empty when none. Raises OSError, RuntimeFailure."""
        written: dict[str, int] = {}
        if STORAGE in podresources.limits(pod.spec):
            for usage in await self._runtime.usage(pod.metadata.uid):
                written[usage.container_name] = usage.written_bytes
        usage_on_disk = await asyncio.get_running_loop().run_in_executor(self._executor, self._measure, pod, written)
        return storage_limits.exceeded_limit(pod, usage_on_disk)

    async def measure(self, pod: pod_pb2.Pod) -> DiskUsage:
        """All that the pod takes of the disk, whether it is limited or not. Raises OSError, RuntimeFailure."""
        written: dict[str, int] = {}
        for usage in await self._runtime.usage(pod.metadata.uid):
            written[usage.container_name] = usage.written_bytes
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._all, pod, written)

    async def inodes(self, pod: pod_pb2.Pod) -> int:
        """Of the pod's volumes, logs and what its containers wrote. Raises OSError, RuntimeFailure."""
        written = sum(usage.written_inodes for usage in await self._runtime.usage(pod.metadata.uid))
        paths = [*self._volumes.disk_directories(pod).values(), log_files.log_directory(pod)]
        counted = await asyncio.get_running_loop().run_in_executor(
            self._executor, lambda: sum(_inodes(path) for path in paths)
        )
        return written + counted

    def _measure(self, pod: pod_pb2.Pod, written: Mapping[str, int]) -> DiskUsage:
        directories, volume_limits = self._volumes.disk_directories(pod), storage_limits.volume_limits(pod)
        pod_limit = podresources.limits(pod.spec).get(STORAGE)
        # The walk stops there: by how much a limit is exceeded does not matter.
        stop_at = max([*(quantity.value(limit) for limit in volume_limits.values()), int(pod_limit or 0)])
        if pod_limit is None:
            return DiskUsage({name: _used(directories[name], stop_at) for name in volume_limits}, {})
        return self._all(pod, written, stop_at)

    def _all(self, pod: pod_pb2.Pod, written: Mapping[str, int], stop_at: int | None = None) -> DiskUsage:
        logs, pod_directory = log_files.log_directory(pod), self._volumes.pod_directory(pod.metadata.uid)
        return DiskUsage(
            volumes={name: _used(path, stop_at) for name, path in self._volumes.disk_directories(pod).items()},
            containers={
                each.name: _used(logs / each.name, stop_at) + written.get(each.name, 0)
                for each in (*pod.spec.initContainers, *pod.spec.containers)
            },
            other=_used(pod_directory / "containers", stop_at) + _used(pod_directory / "etc-hosts", stop_at),
        )


def _inodes(path: Path) -> int:
    try:
        return file_tree.count(path)
    except FileNotFoundError:  # not made yet
        return 0


def _used(path: Path, stop_at: int | None) -> int:
    try:
        return file_tree.used_bytes(path, stop_at)
    except FileNotFoundError:  # not made yet
        return 0
