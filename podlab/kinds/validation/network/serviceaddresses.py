"""Networks and addresses of Services."""

import ipaddress

from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.networking.v1 import serviceaddresses_pb2 as pb

_MOST_NETWORKS = 2
_ONE_OF_EACH = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"


def address_name(name: str) -> syntax.Faults:
    """An IPAddress is named by the address, as it is written canonically."""
    if faults := syntax.ip_address(name):
        return faults
    canonical = str(ipaddress.ip_address(name))
    return () if canonical == name else (f'must be in canonical form ("{canonical}")',)


def check_address(found: Findings, address: pb.IPAddress) -> None:
    """An IPAddress, whichever way it comes."""
    if not address.spec.HasField("parentRef"):
        found.required("spec.parentRef")
        return
    parent = address.spec.parentRef
    if parent.group:
        found.invalid("spec.parentRef.group", parent.group, *syntax.subdomain(parent.group))
    for name in ("resource", "name"):
        if not getattr(parent, name):
            found.required(f"spec.parentRef.{name}")
    for name in ("resource", "name", "namespace"):
        found.invalid(f"spec.parentRef.{name}", getattr(parent, name), *syntax.path_segment(getattr(parent, name)))


def check_address_update(found: Findings, new: pb.IPAddress, old: pb.IPAddress) -> None:
    """An address that becomes another's is given back before."""
    found.immutable("spec.parentRef", new.spec.parentRef, old.spec.parentRef, None)


def check_service_cidr(found: Findings, given: pb.ServiceCIDR) -> None:
    """A ServiceCIDR, whichever way it comes."""
    field, networks = "spec.cidrs", list(given.spec.cidrs)
    if not networks:
        found.required(field, "at least one CIDR required")
    elif len(networks) > _MOST_NETWORKS:
        found.invalid(field, networks, f"may only hold up to {_MOST_NETWORKS} values")
    elif len(networks) == _MOST_NETWORKS and len({":" in network for network in networks}) == 1:
        found.invalid(field, networks, _ONE_OF_EACH)
    else:
        for index, network in enumerate(networks):
            found.invalid(f"{field}[{index}]", network, *syntax.cidr(network))


def check_service_cidr_update(found: Findings, new: pb.ServiceCIDR, old: pb.ServiceCIDR) -> None:
    """Services have addresses of them. A second family may come."""
    now, before = list(new.spec.cidrs), list(old.spec.cidrs)
    if len(now) == len(before) or (len(before), len(now)) == (1, _MOST_NETWORKS):
        for index, (network, was) in enumerate(zip(now, before, strict=False)):
            found.immutable(f"spec.cidrs[{index}]", network, was, network)
    else:
        found.invalid("spec.cidrs", now, "field is immutable")
