"""Which Endpoints are copied into slices, and the endpoints that these slices hold.

https://kubernetes.io/docs/concepts/services-networking/service/#endpoints
"""

from __future__ import annotations

from collections.abc import Mapping

from master.controllers.network.slices.decide import MANAGED_BY_LABEL, SliceOwner, without_reserved
from master.controllers.network.slices.endpoints import LEADER_ANNOTATION, Port, Ports
from master.controllers.objects.ownership import reference_to
from podlab.api.selection.labels import SERVICE_NAME_LABEL, SKIP_MIRROR_LABEL
from podlab.api.values.ipfamilies import IPV4, family_of
from podlab.core.v1 import endpoints_pb2, service_pb2
from podlab.discovery.v1 import endpointslice_pb2

MANAGER = "endpointslicemirroring-controller.k8s.io"
_PER_SUBSET = 1000


def is_mirrored(endpoints: endpoints_pb2.Endpoints, service: service_pb2.Service | None) -> bool:
    """Those that somebody writes for a Service that selects nothing, unless they say otherwise."""
    if service is None or service.spec.selector or service.spec.type == "ExternalName":
        return False
    metadata = endpoints.metadata
    return metadata.labels.get(SKIP_MIRROR_LABEL) != "true" and LEADER_ANNOTATION not in metadata.annotations


def mirror_owner(endpoints: endpoints_pb2.Endpoints) -> SliceOwner:
    """Slices carry the labels of the Endpoints, and those by which they are found."""
    metadata = endpoints.metadata
    labels = without_reserved(metadata.labels)
    labels[SERVICE_NAME_LABEL] = metadata.name
    labels[MANAGED_BY_LABEL] = MANAGER
    return SliceOwner(metadata.namespace, metadata.name, reference_to(endpoints), labels)


def mirrored(endpoints: endpoints_pb2.Endpoints) -> Mapping[str, Mapping[Ports, list[endpointslice_pb2.Endpoint]]]:
    """The endpoints of all subsets by their families and ports, each address of a subset once."""
    found: dict[str, dict[Ports, dict[str, endpointslice_pb2.Endpoint]]] = {}
    for subset in endpoints.subsets:
        ports = tuple(
            Port(one.name, one.protocol or "TCP", one.port, one.appProtocol if one.HasField("appProtocol") else None)
            for one in subset.ports
        )
        for addresses, ready in ((subset.addresses, True), (subset.notReadyAddresses, False)):
            for address in addresses[:_PER_SUBSET]:
                by_address = found.setdefault(family_of(address.ip), {}).setdefault(ports, {})
                by_address.setdefault(address.ip, _mirrored(address, ready=ready))
    families = found or {IPV4: {}}
    return {
        family: {ports: list(by_address.values()) for ports, by_address in by_ports.items()}
        for family, by_ports in families.items()
    }


def _mirrored(address: endpoints_pb2.EndpointAddress, *, ready: bool) -> endpointslice_pb2.Endpoint:
    made = endpointslice_pb2.Endpoint(
        addresses=[address.ip], conditions=endpointslice_pb2.EndpointConditions(ready=ready)
    )
    if address.HasField("targetRef"):
        made.targetRef.CopyFrom(address.targetRef)
    if address.HasField("nodeName"):
        made.nodeName = address.nodeName
    if address.hostname:
        made.hostname = address.hostname
    return made
