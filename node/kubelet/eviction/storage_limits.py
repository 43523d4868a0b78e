"""Which of its limits on the node's disk a pod exceeds. Pure; what counts, and the messages, are Kubernetes'.

https://kubernetes.io/docs/concepts/storage/ephemeral-storage/#resource-emphemeralstorage-consumption
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from podlab.api.pods import podresources
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

STORAGE = "ephemeral-storage"
_NOTHING = meta_pb2.Quantity()


@dataclass(frozen=True)
class DiskUsage:
    """Bytes on the disk: of volumes and containers by name, and of other files that the node keeps for the pod.

    Those of a container are its logs and what it wrote to its root filesystem.
    """

    volumes: Mapping[str, int]
    containers: Mapping[str, int]
    other: int = 0

    @property
    def total(self) -> int:
        return sum(self.volumes.values()) + sum(self.containers.values()) + self.other


def volume_limits(pod: pod_pb2.Pod) -> dict[str, meta_pb2.Quantity]:
    """Of emptyDirs on the disk; the kernel limits those in memory. A limit of 0 is none."""
    sources = {volume.name: volume.volumeSource.emptyDir for volume in pod.spec.volumes}
    limits = {name: source.sizeLimit for name, source in sources.items() if not source.medium}
    return {name: limit for name, limit in limits.items() if limit.string and quantity.value(limit) > 0}


def container_limits(pod: pod_pb2.Pod) -> dict[str, meta_pb2.Quantity]:
    """A limit of 0 is none."""
    limits = {each.name: each.resources.limits.get(STORAGE, _NOTHING) for each in pod.spec.containers}
    return {name: limit for name, limit in limits.items() if limit.string and quantity.value(limit) > 0}


def exceeded_limit(pod: pod_pb2.Pod, usage: DiskUsage) -> str:
    """Kubernetes' message about the first limit that is exceeded; empty when none is."""
    for name, limit in volume_limits(pod).items():
        if usage.volumes.get(name, 0) > quantity.value(limit):
            return f'Usage of EmptyDir volume "{name}" exceeds the limit "{limit.string}". '
    pod_limit = podresources.limits(pod.spec).get(STORAGE)
    if pod_limit is not None and usage.total > pod_limit:
        text = podresources.text(STORAGE, pod_limit)
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {text}. "
    for name, limit in container_limits(pod).items():
        if usage.containers.get(name, 0) > quantity.value(limit):
            return f'Container {name} exceeded its local ephemeral storage limit "{limit.string}". '
    return ""
