"""Which endpoints stand behind a Service's port that an Ingress names. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from node.ingress.routes import ServicePort
from podlab.core.v1 import service_pb2
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import Endpoint, EndpointSlice

# What a Service's port says of what its pods speak (https://kubernetes.io/docs/concepts/services-networking/service/).
_SPOKEN = {"kubernetes.io/h2c": "h2c", "https": "https", "kubernetes.io/wss": "https"}

Address = tuple[str, int]
"""An IP address and a port."""


@dataclass(frozen=True)
class Backend:
    """`spoken` is http, h2c or https. `fault` is a reason and a message where requests cannot be sent anywhere."""

    port: ServicePort
    endpoints: tuple[Address, ...] = ()
    spoken: str = "http"
    fault: tuple[str, str] | None = None


def resolve(wanted: ServicePort, service: Service | None, slices: Iterable[EndpointSlice]) -> Backend:
    """`slices` are the Service's."""
    where = f"Service {wanted.namespace}/{wanted.service}"
    if service is None:
        return Backend(wanted, fault=("ServiceNotFound", f"{where} does not exist: its requests are answered with 503"))
    if service.spec.type == "ExternalName":
        told = f"{where} is of type ExternalName, which no request is sent to from a node: they are answered with 503"
        return Backend(wanted, fault=("ExternalName", told))
    port = _port(service, wanted.port)
    if port is None:
        has = ", ".join(f"{each.port} ({each.name})" if each.name else str(each.port) for each in service.spec.ports)
        told = f"{where} has no TCP port {wanted.port}, but {has}: its requests are answered with 503"
        return Backend(wanted, fault=("PortNotFound", told))
    family = service.spec.ipFamilies[0] if service.spec.ipFamilies else "IPv4"
    found = [each for each in slices if each.addressType == family]
    return Backend(wanted, tuple(sorted(set(_chosen(found, port.name)))), _SPOKEN.get(port.appProtocol, "http"))


def _port(service: Service, wanted: str) -> service_pb2.ServicePort | None:
    for each in service.spec.ports:
        if wanted in (each.name, str(each.port)) and (each.protocol or "TCP") == "TCP":
            return each
    return None


def _chosen(slices: Iterable[EndpointSlice], port_name: str) -> Iterator[Address]:
    """Those that are ready; where there is none, those that end and still serve, as with Services' own addresses."""
    ready, ending = [], []
    for each in slices:
        numbers = [port.port for port in each.ports if port.name == port_name and (port.protocol or "TCP") == "TCP"]
        for endpoint in each.endpoints:
            addresses = [(endpoint.addresses[0], number) for number in numbers if endpoint.addresses and number]
            if _is(endpoint, "ready", True):
                ready += addresses
            elif _is(endpoint, "terminating", False) and _is(endpoint, "serving", False):
                ending += addresses
    yield from ready or ending


def _is(endpoint: Endpoint, condition: str, unknown: bool) -> bool:
    conditions = endpoint.conditions
    return bool(getattr(conditions, condition)) if conditions.HasField(condition) else unknown  # type: ignore[arg-type]
