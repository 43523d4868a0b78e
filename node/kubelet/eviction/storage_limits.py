"""Which of its limits on the node's disk a pod has outgrown. Pure; what counts, and the words, are Kubernetes'.

https://kubernetes.io/docs/concepts/storage/ephemeral-storage/#resource-emphemeralstorage-consumption
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from podlab.api import podresources, quantity
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

STORAGE = "ephemeral-storage"
_NOTHING = meta_pb2.Quantity()


@dataclass(frozen=True)
class Taken:
    """Bytes on the disk: in volumes by name, by containers beside (their logs, and what they wrote to their own root
    filesystem) by name, and what else the node keeps for the pod."""

    volumes: Mapping[str, int]
    containers: Mapping[str, int]
    other: int = 0

    @property
    def whole(self) -> int:
        return sum(self.volumes.values()) + sum(self.containers.values()) + self.other


def volume_limits(pod: pod_pb2.Pod) -> dict[str, meta_pb2.Quantity]:
    """Of volumes on the disk; of those in memory the kernel takes care. A limit of 0 is none."""
    sources = {volume.name: volume.volumeSource.emptyDir for volume in pod.spec.volumes}
    limits = {name: source.sizeLimit for name, source in sources.items() if source.medium != "Memory"}
    return {name: limit for name, limit in limits.items() if limit.string and quantity.value(limit) > 0}


def container_limits(pod: pod_pb2.Pod) -> dict[str, meta_pb2.Quantity]:
    """A limit of 0 is none."""
    limits = {one.name: one.resources.limits.get(STORAGE, _NOTHING) for one in pod.spec.containers}
    return {name: limit for name, limit in limits.items() if limit.string and quantity.value(limit) > 0}


def exceeded(pod: pod_pb2.Pod, taken: Taken) -> str:
    """What users are told; empty when all is within its limits."""
    for name, limit in volume_limits(pod).items():
        if taken.volumes.get(name, 0) > quantity.value(limit):
            return f'Usage of EmptyDir volume "{name}" exceeds the limit "{limit.string}". '
    of_containers = container_limits(pod)
    whole = podresources.limits(pod.spec).get(STORAGE)
    if whole is not None and taken.whole > whole:
        told = podresources.text(STORAGE, whole)
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {told}. "
    for name, limit in of_containers.items():
        if taken.containers.get(name, 0) > quantity.value(limit):
            return f'Container {name} exceeded its local ephemeral storage limit "{limit.string}". '
    return ""
