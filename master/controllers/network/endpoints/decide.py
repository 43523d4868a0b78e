"""The Endpoints object of a Service, as its pods are; and the endpoints that others' Endpoints are in slices.

https://kubernetes.io/docs/concepts/services-networking/service/#endpoints
"""

from __future__ import annotations

from collections.abc import Iterable

from master.controllers.network.slices.decide import HEADLESS_LABEL
from master.controllers.network.slices.endpoints import Ports, addresses, families, is_headless, ports_of
from master.controllers.objects.podstate import is_being_deleted, is_ready
from podlab.api.pods.podphase import is_terminal
from podlab.api.values.ipfamilies import of_family
from podlab.core.v1 import endpoints_pb2, pod_pb2, reference_pb2, service_pb2

OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
# More addresses are in slices only.
CAPACITY = 1000


def wanted(
    service: service_pb2.Service, pods: Iterable[pod_pb2.Pod], present: endpoints_pb2.Endpoints | None
) -> endpoints_pb2.Endpoints:
    """The object as it is to be; what others annotated stays."""
    made = endpoints_pb2.Endpoints()
    if present is not None:
        made.metadata.CopyFrom(present.metadata)
    made.metadata.name, made.metadata.namespace = service.metadata.name, service.metadata.namespace
    made.metadata.labels.clear()
    made.metadata.labels.update(service.metadata.labels)
    if is_headless(service):
        made.metadata.labels[HEADLESS_LABEL] = ""
    subsets = _subsets(service, pods)
    if _truncate(subsets):
        made.metadata.annotations[OVER_CAPACITY] = "truncated"
    elif OVER_CAPACITY in made.metadata.annotations:
        del made.metadata.annotations[OVER_CAPACITY]
    made.subsets.extend(subsets)
    return made


def _subsets(service: service_pb2.Service, pods: Iterable[pod_pb2.Pod]) -> list[endpoints_pb2.EndpointSubset]:
    """Pods with the same ports together, in the order of their addresses, which are of the Service's first family."""
    by_ports: dict[Ports, endpoints_pb2.EndpointSubset] = {}
    publishes = service.spec.publishNotReadyAddresses
    family = families(service)[0]
    at = [(of_family(addresses(pod), family), pod) for pod in pods]
    for address, pod in sorted(at, key=lambda one: one[0]):
        if not address or is_terminal(pod) or (is_being_deleted(pod) and not publishes):
            continue
        ports = ports_of(service, pod)
        if not ports and not is_headless(service):
            continue
        subset = by_ports.setdefault(ports, _empty(ports))
        ready = publishes or is_ready(pod)
        (subset.addresses if ready else subset.notReadyAddresses).append(_address(service, pod, address))
    return [by_ports[ports] for ports in sorted(by_ports, key=lambda ports: [(one.port, one.name) for one in ports])]


def _empty(ports: Ports) -> endpoints_pb2.EndpointSubset:
    return endpoints_pb2.EndpointSubset(
        ports=[
            endpoints_pb2.EndpointPort(
                name=port.name, port=port.port, protocol=port.protocol, appProtocol=port.app_protocol
            )
            for port in ports
        ]
    )


def _address(service: service_pb2.Service, pod: pod_pb2.Pod, address: str) -> endpoints_pb2.EndpointAddress:
    metadata = pod.metadata
    made = endpoints_pb2.EndpointAddress(
        ip=address,
        targetRef=reference_pb2.ObjectReference(
            kind="Pod", namespace=metadata.namespace, name=metadata.name, uid=metadata.uid
        ),
    )
    if pod.spec.nodeName:
        made.nodeName = pod.spec.nodeName
    if pod.spec.hostname and pod.spec.subdomain == service.metadata.name:
        made.hostname = pod.spec.hostname
    return made


def _truncate(subsets: list[endpoints_pb2.EndpointSubset]) -> bool:
    """Leaves as many addresses as one object may hold, ready ones first. True when that is not all of them."""
    room, is_cut = CAPACITY, False
    for field in ("addresses", "notReadyAddresses"):
        for subset in subsets:
            addresses = getattr(subset, field)
            room -= len(addresses)
            if room < 0:
                del addresses[len(addresses) + room :]
                room = 0
                is_cut = True
    subsets[:] = [one for one in subsets if one.addresses or one.notReadyAddresses]
    return is_cut
