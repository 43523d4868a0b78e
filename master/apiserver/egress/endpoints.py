"""Who answers for a Service. Pure.

As Kubernetes has it in k8s.io/apiserver/pkg/util/proxy and in the services' ResourceLocation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Self

from master.apiserver.egress.destinations import Address, Backend, PodPort
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import Endpoint, EndpointSlice
from podlab.errors import ServiceUnavailable

_FQDN = "FQDN"


class Unserved(ServiceUnavailable):
    """The Service has no such port, or nobody who answers at it."""

    what = ""
    """What is said of it."""

    @classmethod
    def of(cls, what: str, service: str) -> Self:
        """`service` is what it was called."""
        made = cls(f'{what} for service "{service}"')
        made.what = what
        return made


def port_name(service: Service, port: int | str) -> str:
    """The name of a Service's port, which slices know it by. Raises Unserved when it has no such port.

    A name is taken as it is: who asks for one that there is not finds no endpoints.
    """
    if isinstance(port, str):
        return port
    for one in service.spec.ports:
        if one.port == port:
            return one.name
    raise Unserved.of(f"no service port {port} found", service.metadata.name)


def ready(slices: Iterable[EndpointSlice], name: str) -> list[Backend]:
    """The ready endpoints of a port that is called so."""
    return [backend for one in slices if one.addressType != _FQDN for backend in _of_slice(one, name)]


def _of_slice(one: EndpointSlice, name: str) -> Iterator[Backend]:
    for port in one.ports:
        if port.name == name and port.port and port.protocol in ("", "TCP"):
            for endpoint in one.endpoints:
                if endpoint.addresses and _is_ready(endpoint):
                    yield _backend(one.metadata.namespace, endpoint, port.port)


def _is_ready(endpoint: Endpoint) -> bool:
    return endpoint.conditions.ready or not endpoint.conditions.HasField("ready")


def _backend(namespace: str, endpoint: Endpoint, port: int) -> Backend:
    """A pod is reached through its kubelet; what is none, at its address."""
    target = endpoint.targetRef
    if target.kind == "Pod" and target.name:
        return PodPort(target.namespace or namespace, target.name, port)
    return Address(endpoint.addresses[0], port)
