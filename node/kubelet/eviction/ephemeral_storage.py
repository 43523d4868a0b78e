"""Measures what pods take of the node's disk, where something of it is limited."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from node.kubelet.cri.runtime import Runtime
from node.kubelet.disk import file_tree
from node.kubelet.eviction import storage_limits
from node.kubelet.eviction.storage_limits import STORAGE, Taken
from node.kubelet.logs import log_files
from node.kubelet.volume.volume_manager import Volumes
from podlab.api import podresources, quantity
from podlab.core.v1 import pod_pb2


class Sizes:
    """Of all pods, one after the other: a pod with a million files keeps no other work of the kubelet waiting."""

    def __init__(self, volumes: Volumes, runtime: Runtime) -> None:
        self._volumes = volumes
        self._runtime = runtime
        self._walks = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sizes")

    def are_limited(self, pod: pod_pb2.Pod) -> bool:
        """Whether there is something to measure for."""
        return bool(storage_limits.volume_limits(pod)) or STORAGE in podresources.limits(pod.spec)

    async def exceeded(self, pod: pod_pb2.Pod) -> str:
        """Which limit the pod has outgrown, as users are told; empty when none. Raises OSError, RuntimeFailure."""
        written: dict[str, int] = {}
        if STORAGE in podresources.limits(pod.spec):
            for usage in await self._runtime.usage(pod.metadata.uid):
                written[usage.container_name] = usage.written_bytes
        taken = await asyncio.get_running_loop().run_in_executor(self._walks, self._measure, pod, written)
        return storage_limits.exceeded(pod, taken)

    def _measure(self, pod: pod_pb2.Pod, written: Mapping[str, int]) -> Taken:
        on_disk, of_volumes = self._volumes.on_disk(pod), storage_limits.volume_limits(pod)
        whole = podresources.limits(pod.spec).get(STORAGE)
        # Nobody needs to know by how much a limit is exceeded.
        most = max([*(quantity.value(limit) for limit in of_volumes.values()), int(whole or 0)])
        if whole is None:
            return Taken({name: _used(on_disk[name], most) for name in of_volumes}, {})
        logs, own = log_files.log_directory(pod), self._volumes.own_files(pod.metadata.uid)
        return Taken(
            volumes={name: _used(path, most) for name, path in on_disk.items()},
            containers={
                one.name: _used(logs / one.name, most) + written.get(one.name, 0)
                for one in (*pod.spec.initContainers, *pod.spec.containers)
            },
            other=_used(own / "containers", most) + _used(own / "etc-hosts", most),
        )


def _used(path: Path, most: int) -> int:
    try:
        return file_tree.used_bytes(path, most)
    except FileNotFoundError:  # not made yet
        return 0
