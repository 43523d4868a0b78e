"""The ports of its node that a pod takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from podlab.core.v1.pod_pb2 import PodSpec


@dataclass(frozen=True, order=True)
class HostPort:
    """A port of the node. An empty address is every address."""

    protocol: str
    address: str
    port: int

    def collides(self, other: HostPort) -> bool:
        same = self.port == other.port and self.protocol == other.protocol
        return same and (not self.address or not other.address or self.address == other.address)


def host_ports(spec: PodSpec) -> Iterator[HostPort]:
    """Of the containers that run side by side."""
    sidecars = (each for each in spec.initContainers if each.restartPolicy == "Always")
    for container in (*spec.containers, *sidecars):
        for port in container.ports:
            if port.hostPort:
                address = "" if port.hostIP == "0.0.0.0" else port.hostIP  # noqa: S104 - compared, not bound
                yield HostPort(port.protocol or "TCP", address, port.hostPort)
