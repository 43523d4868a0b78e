"""Addresses of Services as objects: an IPAddress for each, in the networks that ServiceCIDRs name.

https://kubernetes.io/docs/tasks/network/extend-service-ip-ranges/
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from master.apiserver.registry.uids import new_uid
from master.apiserver.watchcache import keys
from podlab.api import kinds
from podlab.api.selection.labels import ADDRESS_ALLOCATOR, ADDRESS_MANAGED_BY
from podlab.api.values import times
from podlab.api.values.ipfamilies import Network, family_of
from podlab.core.v1.service_pb2 import Service
from podlab.meta.v1 import meta_pb2
from podlab.networking.v1.serviceaddresses_pb2 import IPAddress, ServiceCIDR

FAMILY = "ipaddress.kubernetes.io/ip-family"
_ADDRESSES = kinds.of(IPAddress)


def canonical(address: str) -> str:
    """As the IPAddress is named; what is no address stays as it is."""
    try:
        return str(ip_address(address))
    except ValueError:
        return address


def address_key(address: str) -> str:
    """Where the IPAddress stands in the store."""
    return keys.object_key(_ADDRESSES, "", canonical(address))


def address_of(service: Service, address: str) -> IPAddress:
    """The object that says that the address is the Service's; complete but for the cluster's own fields."""
    metadata = meta_pb2.ObjectMeta(name=canonical(address))
    metadata.labels[FAMILY], metadata.labels[ADDRESS_MANAGED_BY] = family_of(address), ADDRESS_ALLOCATOR
    made = IPAddress(metadata=metadata)
    parent = made.spec.parentRef
    parent.resource, parent.namespace, parent.name = "services", service.metadata.namespace, service.metadata.name
    return made


def new_address(service: Service, address: str) -> bytes:
    """The same as it is stored when it is new."""
    made = address_of(service, address)
    made.metadata.uid, made.metadata.generation = new_uid(), 1
    made.metadata.creationTimestamp.CopyFrom(times.now())
    return made.SerializeToString()


def addresses(service: Service) -> tuple[str, ...]:
    """Those that are, or are to be, the Service's own."""
    found = tuple(service.spec.clusterIPs) or (service.spec.clusterIP,)
    return tuple(address for address in found if address not in ("", "None"))


def networks(defaults: Iterable[Network], found: Iterable[ServiceCIDR]) -> tuple[Network, ...]:
    """Where Services get their addresses from: first the defaults, then others. None is given of those that go."""
    others = sorted((one for one in found if not one.metadata.HasField("deletionTimestamp")), key=_age)
    named = (ip_network(cidr) for one in others for cidr in one.spec.cidrs)  # which validation has read
    return tuple(dict.fromkeys((*defaults, *named)))


def _age(cidr: ServiceCIDR) -> tuple[int, str]:
    return cidr.metadata.creationTimestamp.seconds, cidr.metadata.name
