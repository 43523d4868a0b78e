"""Which endpoints a Service's port has now: a pure function of its EndpointSlices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from podlab.core.v1.service_pb2 import ServicePort
from podlab.discovery.v1 import endpointslice_pb2


@dataclass(frozen=True, order=True)
class Endpoint:
    """An address that answers, and the node it is on (empty: not a pod's)."""

    address: str
    port: int
    node_name: str = ""

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


def endpoints_of(
    port: ServicePort, slices: Sequence[endpointslice_pb2.EndpointSlice], *, on_node: str = "", zone: str = ""
) -> list[Endpoint]:
    """The ready endpoints in order; when none is ready, those that still serve while they terminate.

    With `on_node`, only those of that node count; with `zone`, only those that are meant for it, where each is meant
    for some zone and one for this.

    https://kubernetes.io/docs/reference/networking/virtual-ips/#traffic-to-terminating-endpoints
    https://kubernetes.io/docs/reference/networking/virtual-ips/#traffic-distribution
    """
    ready: set[Endpoint] = set()
    close: set[Endpoint] = set()
    is_meant = True
    terminating: set[Endpoint] = set()
    for each in slices:
        numbers = [
            slice_port.port
            for slice_port in each.ports
            if slice_port.name == port.name and (slice_port.protocol or "TCP") == (port.protocol or "TCP")
        ]
        for endpoint in each.endpoints:
            if on_node and endpoint.nodeName != on_node:
                continue
            found = {
                Endpoint(address, number, endpoint.nodeName) for address in endpoint.addresses for number in numbers
            }
            if _is_ready(endpoint.conditions):
                ready |= found
                zones = {one.name for one in endpoint.hints.forZones}
                is_meant = is_meant and bool(zones or not found)
                if zone in zones:
                    close |= found
            elif endpoint.conditions.serving and endpoint.conditions.terminating:
                terminating |= found
    return sorted(close if close and is_meant else ready or terminating)


def _is_ready(conditions: endpointslice_pb2.EndpointConditions) -> bool:
    # An absent condition is to be taken for true (EndpointConditions.ready, discovery/v1).
    return conditions.ready or not conditions.HasField("ready")
