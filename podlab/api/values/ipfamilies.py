"""The families of IP addresses as Kubernetes names them, and what is said once for each. Pure.

https://kubernetes.io/docs/concepts/services-networking/dual-stack/
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network

IPV4, IPV6 = "IPv4", "IPv6"
FAMILIES = (IPV4, IPV6)

Network = IPv4Network | IPv6Network


def family_of(text: str) -> str:
    """Of an address or a network."""
    return IPV6 if ":" in text else IPV4


def of_family(texts: Iterable[str], family: str) -> str:
    """The first address or network of that family; empty when there is none."""
    for text in texts:
        if text and family_of(text) == family:
            return text
    return ""


def listed(text: str) -> tuple[str, ...]:
    """What is separated by commas."""
    return tuple(part for part in (part.strip() for part in text.split(",")) if part)


def networks(text: str) -> tuple[Network, ...]:
    """One network, or one of each family with a comma between; that of the primary family first.

    Raises ValueError, which says what is wrong and what is wanted.
    """
    found = tuple(map(_network, listed(text)))
    if len(found) not in (1, 2) or len({one.version for one in found}) != len(found):
        raise ValueError(f"{text!r}: one network, or one of IPv4 and one of IPv6 with a comma between, is wanted")
    return found


def with_port(address: str, port: int | str) -> str:
    """As it is written before and behind a colon: addresses of IPv6 in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def without_port(text: str) -> tuple[str, str]:
    """The address and the port of what `with_port` wrote."""
    address, _, port = text.rpartition(":")
    return address.strip("[]"), port


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; give a network such as 10.244.0.0/16 or fd00:10:244::/56") from error
