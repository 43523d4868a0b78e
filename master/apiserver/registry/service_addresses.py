"""Addresses of Services as objects: an IPAddress for each, in the networks that ServiceCIDRs name.

https://kubernetes.io/docs/tasks/network/extend-service-ip-ranges/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, ip_network

from master.apiserver.registry.uids import new_uid
from master.apiserver.watchcache import keys
from podlab.api import kinds
from podlab.api.selection.labels import ADDRESS_ALLOCATOR, ADDRESS_MANAGED_BY
from podlab.api.values import times
from podlab.core.v1.service_pb2 import Service
from podlab.meta.v1 import meta_pb2
from podlab.networking.v1.serviceaddresses_pb2 import IPAddress, ServiceCIDR

FAMILY = "ipaddress.kubernetes.io/ip-family"
_ADDRESSES = kinds.of(IPAddress)


def address_key(address: str) -> str:
    """Where the IPAddress stands in the store."""
    return keys.object_key(_ADDRESSES, "", address)


def address_of(service: Service) -> IPAddress:
    """The object that says that the address is the Service's; complete but for the cluster's own fields."""
    metadata = meta_pb2.ObjectMeta(name=service.spec.clusterIP)
    metadata.labels[FAMILY], metadata.labels[ADDRESS_MANAGED_BY] = "IPv4", ADDRESS_ALLOCATOR
    made = IPAddress(metadata=metadata)
    parent = made.spec.parentRef
    parent.resource, parent.namespace, parent.name = "services", service.metadata.namespace, service.metadata.name
    return made


def new_address(service: Service) -> bytes:
    """The same as it is stored when it is new."""
    made = address_of(service)
    made.metadata.uid, made.metadata.generation = new_uid(), 1
    made.metadata.creationTimestamp.CopyFrom(times.now())
    return made.SerializeToString()


def has_address(service: Service) -> bool:
    """Whether an address is, or is to be, the Service's own."""
    return service.spec.clusterIP not in ("", "None")


def networks(default: IPv4Network, found: Iterable[ServiceCIDR]) -> tuple[IPv4Network, ...]:
    """Where Services get their addresses from: first the default, then others. None is given of those that go."""
    others = sorted((one for one in found if not one.metadata.HasField("deletionTimestamp")), key=_age)
    named = (network for one in others for network in _ipv4(one.spec.cidrs))
    return tuple(dict.fromkeys((default, *named)))


def _age(cidr: ServiceCIDR) -> tuple[int, str]:
    return cidr.metadata.creationTimestamp.seconds, cidr.metadata.name


def _ipv4(cidrs: Iterable[str]) -> Iterator[IPv4Network]:
    """Of networks of both families, those that there are Services' addresses of here."""
    for cidr in cidrs:
        network = ip_network(cidr)  # which validation has read
        if isinstance(network, IPv4Network):
            yield network
