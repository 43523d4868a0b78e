"""Which endpoints a Service's port has now: a pure function of its EndpointSlices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from podlab.api.values.ipfamilies import with_port
from podlab.core.v1.service_pb2 import ServicePort
from podlab.discovery.v1 import endpointslice_pb2
from podlab.discovery.v1.endpointslice_pb2 import EndpointHints


class Endpoint(NamedTuple):
    """An address that answers, and the node it is on (empty: not a pod's)."""

    address: str
    port: int
    node_name: str = ""

    def __str__(self) -> str:
        return with_port(self.address, self.port)


def endpoints_of(
    port: ServicePort,
    slices: Sequence[endpointslice_pb2.EndpointSlice],
    *,
    on_node: str = "",
    node: str = "",
    zone: str = "",
) -> list[Endpoint]:
    """The ready endpoints in order; when none is ready, those that still serve while they terminate.

    With `on_node`, only those of that node count. With `node`, only those with a hint for that node count, when all
    ready endpoints have such hints and one of them is for it; else the same for `zone`.

    https://kubernetes.io/docs/reference/networking/virtual-ips/#traffic-to-terminating-endpoints
    https://kubernetes.io/docs/reference/networking/virtual-ips/#traffic-distribution
    """
    ready: dict[Endpoint, EndpointHints] = {}
    terminating: set[Endpoint] = set()
    name, protocol = port.name, port.protocol or "TCP"
    for each in slices:
        numbers = [one.port for one in each.ports if one.name == name and (one.protocol or "TCP") == protocol]
        for endpoint in each.endpoints:
            at, conditions = endpoint.nodeName, endpoint.conditions
            if on_node and at != on_node:
                continue
            found = [Endpoint(address, number, at) for address in endpoint.addresses for number in numbers]
            if _is_ready(conditions):
                ready |= dict.fromkeys(found, endpoint.hints)
            elif conditions.serving and conditions.terminating:
                terminating.update(found)
    return sorted(_meant_for(node, zone, ready) or ready or terminating)


def ready_addresses(slices: Sequence[endpointslice_pb2.EndpointSlice], node: str) -> set[str]:
    """Of ready endpoints on the node."""
    ends = (end for each in slices for end in each.endpoints if end.nodeName == node and _is_ready(end.conditions))
    return {address for end in ends for address in end.addresses}


def _meant_for(node: str, zone: str, ready: Mapping[Endpoint, EndpointHints]) -> set[Endpoint]:
    """Those that are meant for the node or else for the zone; none where not all are meant for somebody."""
    if node and all(hints.forNodes for hints in ready.values()):
        found = {end for end, hints in ready.items() if any(one.name == node for one in hints.forNodes)}
        if found:
            return found
    if zone and all(hints.forZones for hints in ready.values()):
        return {end for end, hints in ready.items() if any(one.name == zone for one in hints.forZones)}
    return set()


def _is_ready(conditions: endpointslice_pb2.EndpointConditions) -> bool:
    # An absent condition is to be taken for true (EndpointConditions.ready, discovery/v1).
    return conditions.ready or not conditions.HasField("ready")
