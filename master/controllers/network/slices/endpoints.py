"""The endpoints that a Service should have: one per pod that it selects and that has an address."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from master.controllers.objects.podstate import is_being_deleted, is_ready
from podlab.api.pods.podphase import is_terminal
from podlab.api.values.ipfamilies import IPV4, of_family
from podlab.core.v1 import pod_pb2, reference_pb2, service_pb2
from podlab.discovery.v1 import endpointslice_pb2

_SAME_NODE = "PreferSameNode"
# The older name and the newer one of the same; whoever finds nothing on its node looks in its zone.
_SAME_ZONE = ("PreferClose", "PreferSameZone", _SAME_NODE)
"""Of a Service's trafficDistribution: clients are sent to endpoints near them.

https://kubernetes.io/docs/concepts/services-networking/service/#traffic-distribution
"""

LEADER_ANNOTATION = "control-plane.alpha.kubernetes.io/leader"
"""Marks Endpoints that only hold a lock of an older kind of leader election."""


@dataclass(frozen=True)
class Port:
    """A port of a slice; hashable, so that pods with the same ports come together."""

    name: str
    protocol: str
    port: int
    app_protocol: str | None

    def message(self) -> endpointslice_pb2.EndpointPort:
        return endpointslice_pb2.EndpointPort(
            name=self.name, protocol=self.protocol, port=self.port, appProtocol=self.app_protocol
        )


Ports = tuple[Port, ...]


def is_managed(service: service_pb2.Service) -> bool:
    """Services without a selector have the endpoints that others give them; those by a name elsewhere have none."""
    if service.spec.type == "ExternalName" or service.metadata.HasField("deletionTimestamp"):
        return False
    return bool(service.spec.selector)


def is_headless(service: service_pb2.Service) -> bool:
    return service.spec.clusterIP == "None"


def wanted(
    service: service_pb2.Service, pods: Iterable[pod_pb2.Pod], zone_of: Callable[[str], str] = lambda node: ""
) -> dict[str, dict[Ports, list[endpointslice_pb2.Endpoint]]]:
    """Endpoints of the selected pods for each family of the Service, by their ports: a named port may be another number
    in another pod.

    `zone_of` tells a node's zone, empty where it has none.
    """
    result: dict[str, dict[Ports, list[endpointslice_pb2.Endpoint]]] = {family: {} for family in families(service)}
    for pod in pods:
        if is_terminal(pod) or not pod.status.podIP:
            continue
        ports, zone = ports_of(service, pod), zone_of(pod.spec.nodeName)
        for family, by_ports in result.items():
            if address := of_family(addresses(pod), family):
                by_ports.setdefault(ports, []).append(_endpoint(service, pod, address, zone))
    return result


def families(service: service_pb2.Service) -> tuple[str, ...]:
    """The Service's, the first one first."""
    return tuple(service.spec.ipFamilies) or (IPV4,)


def addresses(pod: pod_pb2.Pod) -> tuple[str, ...]:
    """The pod's own, one of each family at most."""
    return tuple(each.ip for each in pod.status.podIPs) or ((pod.status.podIP,) if pod.status.podIP else ())


def ports_of(service: service_pb2.Service, pod: pod_pb2.Pod) -> Ports:
    """The pod's ports behind the Service's; one whose name the pod does not have is left out."""
    found = []
    for port in service.spec.ports:
        number = _target(port, pod)
        if number is not None:
            app = port.appProtocol if port.HasField("appProtocol") else None
            found.append(Port(port.name, port.protocol or "TCP", number, app))
    return tuple(found)


def relevant(pod: pod_pb2.Pod) -> tuple[object, ...]:
    """What of a pod shows in endpoints; a change of anything else changes none."""
    return (
        dict(pod.metadata.labels),
        pod.metadata.uid,
        addresses(pod),
        pod.spec.nodeName,
        is_ready(pod),
        is_being_deleted(pod),
        is_terminal(pod),
    )


def _target(port: service_pb2.ServicePort, pod: pod_pb2.Pod) -> int | None:
    target = port.targetPort
    if target.type == 0:
        return target.intVal or port.port
    sidecars = (one for one in pod.spec.initContainers if one.restartPolicy == "Always")
    for container in (*pod.spec.containers, *sidecars):
        for offered in container.ports:
            if offered.name == target.strVal and (offered.protocol or "TCP") == (port.protocol or "TCP"):
                return offered.containerPort
    return None


def _endpoint(service: service_pb2.Service, pod: pod_pb2.Pod, address: str, zone: str) -> endpointslice_pb2.Endpoint:
    serving, terminating = is_ready(pod), is_being_deleted(pod)
    endpoint = endpointslice_pb2.Endpoint(
        addresses=[address],
        conditions=endpointslice_pb2.EndpointConditions(
            ready=service.spec.publishNotReadyAddresses or (serving and not terminating),
            serving=serving,
            terminating=terminating,
        ),
        targetRef=reference_pb2.ObjectReference(
            kind="Pod", namespace=pod.metadata.namespace, name=pod.metadata.name, uid=pod.metadata.uid
        ),
    )
    if pod.spec.nodeName:
        endpoint.nodeName = pod.spec.nodeName
    if pod.spec.hostname and pod.spec.subdomain == service.metadata.name:
        endpoint.hostname = pod.spec.hostname
    if zone:
        endpoint.zone = zone
        if endpoint.conditions.ready and service.spec.trafficDistribution in _SAME_ZONE:
            endpoint.hints.forZones.add(name=zone)
    if endpoint.nodeName and endpoint.conditions.ready and service.spec.trafficDistribution == _SAME_NODE:
        endpoint.hints.forNodes.add(name=endpoint.nodeName)
    return endpoint
