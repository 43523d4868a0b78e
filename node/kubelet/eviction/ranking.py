"""Which pod goes first when its node runs short. Pure; the order is Kubernetes'.

https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#pod-selection-for-kubelet-eviction
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from podlab.core.v1 import pod_pb2


@dataclass(frozen=True)
class ContainerUse:
    """Of one resource: what a container uses, and what it has asked for."""

    name: str
    used: int
    requested: int = 0


@dataclass(frozen=True)
class PodUse:
    """What a pod uses of the resource that is short. `used` is the whole pod's, beyond its containers' perhaps."""

    pod: pod_pb2.Pod
    used: int
    requested: int = 0
    containers: tuple[ContainerUse, ...] = ()


def ranked(uses: Iterable[PodUse], resource: str) -> list[PodUse]:
    """The first to go comes first: who uses more than it asked for, of low priority, by most beyond its request.

    Nobody asks for processes or inodes: there priority counts first, then use.
    """
    if resource in ("memory", "ephemeral-storage"):
        return sorted(
            uses, key=lambda use: (use.used <= use.requested, use.pod.spec.priority, use.requested - use.used)
        )
    return sorted(uses, key=lambda use: (use.pod.spec.priority, -use.used))
