"""How the devices are that containers have, as their pods' statuses tell it (KEP-4680)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from node.kubelet.deviceplugins.given import Given
from podlab.core.v1 import pod_pb2

_WORDS = {True: "Healthy", False: "Unhealthy", None: "Unknown"}


def tell(
    status: pod_pb2.ContainerStatus, given: Iterable[Given], is_healthy: Callable[[str, str], bool | None]
) -> None:
    """Says it in the container's status. `is_healthy` is asked by resource and id; None: nobody knows."""
    for each in given:
        told = status.allocatedResourcesStatus.add(name=each.resource)
        for device in each.ids:
            told.resources.add(resourceID=device, health=_WORDS[is_healthy(each.resource, device)])
