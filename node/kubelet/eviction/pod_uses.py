"""What each pod uses of a resource that is short on its node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from node.kubelet.cri.runtime import Runtime
from node.kubelet.disk import processes
from node.kubelet.eviction.ephemeral_storage import EphemeralStorageMonitor
from node.kubelet.eviction.ranking import ContainerUse, PodUse
from podlab.api.pods import containers, podresources
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2


class PodUses:
    """Asks the runtime for memory, the disk for files, and the kernel for processes."""

    def __init__(self, runtime: Runtime, storage: EphemeralStorageMonitor) -> None:
        self._runtime = runtime
        self._storage = storage

    async def read(self, pods: Iterable[pod_pb2.Pod], resource: str) -> list[PodUse]:
        """Raises OSError, RuntimeFailure."""
        if resource == "memory":
            return await self._memory(list(pods))
        if resource == "pids":
            counted = await processes.by_pod()
            return [PodUse(pod, counted.get(pod.metadata.uid, 0)) for pod in pods]
        return [await self._disk(pod, resource) for pod in pods]

    async def _memory(self, pods: list[pod_pb2.Pod]) -> list[PodUse]:
        used: dict[str, Counter[str]] = {}
        for usage in await self._runtime.usage():
            used.setdefault(usage.pod_uid, Counter())[usage.container_name] += usage.memory_bytes
        return [_use(pod, used.get(pod.metadata.uid, Counter()), "memory") for pod in pods]

    async def _disk(self, pod: pod_pb2.Pod, resource: str) -> PodUse:
        if resource == "inodes":
            return PodUse(pod, await self._storage.inodes(pod))
        usage = await self._storage.measure(pod)
        return _use(pod, usage.containers, resource, beside=usage.total - sum(usage.containers.values()))


def _use(pod: pod_pb2.Pod, used: Mapping[str, int], resource: str, beside: int = 0) -> PodUse:
    """`beside` is what the pod uses that is no container's."""
    asked = {
        each.name: quantity.value(each.resources.requests[resource])
        for each in containers.every(pod.spec)
        if resource in each.resources.requests
    }
    whole = podresources.requests(pod.spec).get(resource)
    requested = podresources.rounded(resource, whole) if whole is not None else 0
    told = tuple(ContainerUse(name, amount, asked.get(name, 0)) for name, amount in used.items())
    return PodUse(pod, sum(used.values()) + beside, requested, told)
