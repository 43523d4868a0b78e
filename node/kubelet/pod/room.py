"""What of a resource that is counted a container, or a pod as a whole, could be given."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from node.kubelet.pod import podspec
from podlab.core.v1 import pod_pb2

T = TypeVar("T")


@dataclass(frozen=True)
class Room(Generic[T]):
    """`count` of the `free` ones are wanted, and of those that are `reused`: which the pod's init containers leave."""

    count: int
    free: Collection[T]
    reused: Collection[T] = ()


def at_once(pod: pod_pb2.Pod, wanted: Callable[[pod_pb2.Container], int]) -> int:
    """How many the pod's containers have at most at one time, of which each has what it `wanted` as long as it runs."""
    lasting, most = 0, 0
    for each in pod.spec.initContainers:
        most = max(most, lasting + wanted(each))
        if podspec.is_sidecar(each):
            lasting += wanted(each)
    return max(most, lasting + sum(map(wanted, pod.spec.containers)))
