"""Networks whose addresses are no single host's to be reached at by others (RFC 6890). Pure."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

_SPECIAL: Final[tuple[tuple[str, tuple[IPv4Network | IPv6Network, ...]], ...]] = tuple(
    (what, tuple(ip_network(network) for network in members))
    for what, members in (
        ("unspecified", ("0.0.0.0/8", "::/128")),
        ("loopback", ("127.0.0.0/8", "::1/128")),
        ("link-local", ("169.254.0.0/16", "fe80::/10")),
        ("multicast", ("224.0.0.0/4", "ff00::/8")),
        ("reserved", ("240.0.0.0/4",)),
    )
)


def special(network: IPv4Network | IPv6Network) -> str:
    """What some of its addresses are instead, such as "loopback 127.0.0.0/8"; empty for a network of hosts."""
    for what, members in _SPECIAL:
        for member in members:
            if member.version == network.version and member.overlaps(network):
                return f"{what} {member}"
    return ""
