"""Kubernetes' ip() and cidr(): addresses and networks of both families."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import ClassVar

from podlab.cel import costs
from podlab.cel.declarations import Library, function, method
from podlab.cel.values import EvaluationError


@dataclass(frozen=True, slots=True)
class IpValue:
    """An address."""

    address: IPv4Address | IPv6Address

    cel_type: ClassVar[str] = "net.IP"

    def cel_string(self) -> str:
        """What string() says."""
        return str(self.address)


@dataclass(frozen=True, slots=True)
class CidrValue:
    """An address and the length of its network's prefix."""

    interface: IPv4Interface | IPv6Interface

    cel_type: ClassVar[str] = "net.CIDR"

    def cel_string(self) -> str:
        """What string() says."""
        return str(self.interface)


def parse_ip(text: str) -> IpValue:
    """As Go's netip.ParseAddr, without zones and IPv4 addresses in IPv6. Raises EvaluationError."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise EvaluationError(f"IP Address {_quoted(text)} parse error during conversion from string") from None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise EvaluationError(f"IP address {_quoted(text)} with zone value is not allowed")
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        raise EvaluationError(f"IPv4-mapped IPv6 address {_quoted(text)} is not allowed")
    return IpValue(address)


def parse_cidr(text: str) -> CidrValue:
    """As Go's netip.ParsePrefix. Raises EvaluationError."""
    address, slash, length = text.partition("/")
    if not slash or not length.isdigit() or not length.isascii() or (len(length) > 1 and length[0] == "0"):
        raise EvaluationError(f"CIDR {_quoted(text)} parse error during conversion from string")
    parse_ip(address)
    try:
        return CidrValue(ipaddress.ip_interface(text))
    except ValueError:
        raise EvaluationError(f"CIDR {_quoted(text)} parse error during conversion from string") from None


def _is_ip(text: str) -> bool:
    try:
        parse_ip(text)
    except EvaluationError:
        return False
    return True


def _is_cidr(text: str) -> bool:
    try:
        parse_cidr(text)
    except EvaluationError:
        return False
    return True


def _is_canonical(text: str) -> bool:
    return str(parse_ip(text).address) == text


def _is_global_unicast(ip: IpValue) -> bool:
    address = ip.address
    if address == IPv4Address("255.255.255.255"):
        return False
    return not (address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local)


def _is_link_local_multicast(ip: IpValue) -> bool:
    if isinstance(ip.address, IPv4Address):
        return ip.address in ipaddress.IPv4Network("224.0.0.0/24")
    return ip.address.packed[0] == 0xFF and ip.address.packed[1] & 0x0F == 2  # ff02::/16


def _contains_ip(cidr: CidrValue, ip: IpValue) -> bool:
    return ip.address in cidr.interface.network


def _contains_cidr(cidr: CidrValue, other: CidrValue) -> bool:
    own, inner = cidr.interface.network, other.interface.network
    return own.version == inner.version and own.prefixlen <= inner.prefixlen and inner.network_address in own


def _masked(cidr: CidrValue) -> CidrValue:
    network = cidr.interface.network
    return CidrValue(ipaddress.ip_interface(f"{network.network_address}/{network.prefixlen}"))


def _quoted(text: str) -> str:
    return f'"{text}"'


_IP, _CIDR = IpValue.cel_type, CidrValue.cel_type

LIBRARY = Library(
    functions={
        "ip": (
            function(_IP, parse_ip, "string", cost=costs.first),
            method(_CIDR, _IP, lambda cidr: IpValue(cidr.interface.ip)),
        ),
        "isIP": (function("bool", _is_ip, "string", cost=costs.first),),
        "ip.isCanonical": (function("bool", _is_canonical, "string", cost=costs.first_twice),),
        "family": (method(_IP, "int", lambda ip: ip.address.version),),
        "isUnspecified": (method(_IP, "bool", lambda ip: ip.address.is_unspecified),),
        "isLoopback": (method(_IP, "bool", lambda ip: ip.address.is_loopback),),
        "isLinkLocalMulticast": (method(_IP, "bool", _is_link_local_multicast),),
        "isLinkLocalUnicast": (method(_IP, "bool", lambda ip: ip.address.is_link_local),),
        "isGlobalUnicast": (method(_IP, "bool", _is_global_unicast),),
        "cidr": (function(_CIDR, parse_cidr, "string", cost=costs.first),),
        "isCIDR": (function("bool", _is_cidr, "string", cost=costs.first),),
        "containsIP": (
            method(_CIDR, "bool", _contains_ip, _IP),
            method(_CIDR, "bool", lambda cidr, text: _contains_ip(cidr, parse_ip(text)), "string"),
        ),
        "containsCIDR": (
            method(_CIDR, "bool", _contains_cidr, _CIDR),
            method(_CIDR, "bool", lambda cidr, text: _contains_cidr(cidr, parse_cidr(text)), "string"),
        ),
        "masked": (method(_CIDR, _CIDR, _masked),),
        "prefixLength": (method(_CIDR, "int", lambda cidr: cidr.interface.network.prefixlen),),
        "string": (
            function("string", IpValue.cel_string, _IP),
            function("string", CidrValue.cel_string, _CIDR),
        ),
    },
    types={_IP: IpValue, _CIDR: CidrValue},
)
