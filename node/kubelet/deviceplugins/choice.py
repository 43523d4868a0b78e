"""Which devices a container is given. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from node.kubelet.deviceplugins.plugin import DeviceError
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2


@dataclass(frozen=True)
class DeviceRequest:
    """How many devices of the resource the container asks for."""

    container: str
    resource: str
    count: int


def wanted(pod: pod_pb2.Pod, resources: Collection[str]) -> Iterator[DeviceRequest]:
    """What the pod's containers ask for of these resources, init containers first."""
    for container in (*pod.spec.initContainers, *pod.spec.containers):
        by_claim = _by_claim(pod, container.name)
        for name, amount in sorted(container.resources.limits.items()):
            count = quantity.value(amount)
            if name in resources and name not in by_claim and count:
                yield DeviceRequest(container.name, name, count)


def _by_claim(pod: pod_pb2.Pod, container: str) -> set[str]:
    """The container's extended resources that drivers of claims give it."""
    mappings = pod.status.extendedResourceClaimStatus.requestMappings
    return {mapping.resourceName for mapping in mappings if mapping.containerName == container}


def check(wanted: DeviceRequest, healthy: Collection[str], free: Collection[str], reused: Collection[str]) -> None:
    """Raises DeviceError where there are too few. `free` are those healthy ones that nobody has."""
    if not healthy:
        raise DeviceError(f"no healthy devices present; cannot allocate unhealthy devices {wanted.resource}")
    lacking = wanted.count - len(set(reused) & set(healthy))
    if lacking > len(free):
        counts = f"Requested: {lacking}, Available: {len(free)}"
        raise DeviceError(f"requested number of devices unavailable for {wanted.resource}. {counts}")


def aligned(
    count: int, required: list[str], near: Collection[str], free: Collection[str]
) -> tuple[list[str], set[str]]:
    """What must be chosen, and what the rest is chosen from, so that those that are near come first."""
    if len(required) + len(near) >= count:
        return required, set(near) or set(free)
    return [*required, *sorted(near)], set(free) - set(near)


def chosen(count: int, required: Iterable[str], preferred: Iterable[str], free: Collection[str]) -> list[str]:
    """So many devices: the required ones, then what the plugin prefers of the free ones, then any."""
    order = [*sorted(required), *(each for each in preferred if each in free), *sorted(free)]
    return list(dict.fromkeys(order))[:count]
