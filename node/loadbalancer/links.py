"""The node's Ethernet interfaces, and which of them neighbours ask for an address on. Reading is through netlink."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface
from socket import AF_INET, AF_INET6
from typing import Final

from pyroute2 import IPRoute

_UP: Final = 1  # IFF_UP
_LOOPBACK: Final = 8
_ETHERNET: Final = 1  # ARPHRD_ETHER
_UNIVERSE: Final = 0  # RT_SCOPE_UNIVERSE: not an address of the link alone


@dataclass(frozen=True)
class Link:
    """An interface that is up."""

    index: int
    name: str
    mac: bytes
    addresses: tuple[IPv4Interface | IPv6Interface, ...]

    @property
    def identity(self) -> tuple[int, str, bytes]:
        """It is the same one whatever addresses come and go."""
        return self.index, self.name, self.mac


def link_for(address: str, links: Sequence[Link], node_ip: str, nodes: Collection[str]) -> Link | None:
    """The interface in whose network the address is, else that of the node's own address; None where neither is.

    `nodes` are the nodes' addresses. Where some are on other segments, an address of none of our networks may be of one
    of theirs, and is left to them.
    """
    wanted = ip_address(address)
    near = [(own, link) for link in links for own in link.addresses if wanted in own.network]
    if near:
        return max(near, key=lambda each: each[0].network.prefixlen)[1]
    if not all(any(ip_address(each) in own.network for link in links for own in link.addresses) for each in nodes):
        return None
    return next((link for link in links if any(str(own.ip) == node_ip for own in link.addresses)), None)


def read_links() -> tuple[Link, ...]:
    """Raises OSError. Not from uvloop, which has no netlink sockets."""
    with IPRoute() as netlink:
        found: dict[int, list[IPv4Interface | IPv6Interface]] = {}
        for each in (each for family in (AF_INET, AF_INET6) for each in netlink.get_addr(family=family)):
            if each["family"] == AF_INET6 and each["scope"] != _UNIVERSE:
                continue
            address = each.get_attr("IFA_LOCAL") or each.get_attr("IFA_ADDRESS")
            found.setdefault(each["index"], []).append(ip_interface(f"{address}/{each['prefixlen']}"))
        return tuple(
            Link(
                each["index"],
                each.get_attr("IFLA_IFNAME"),
                bytes.fromhex(each.get_attr("IFLA_ADDRESS").replace(":", "")),
                tuple(found[each["index"]]),
            )
            for each in netlink.get_links()
            if each["ifi_type"] == _ETHERNET
            and each["flags"] & _UP
            and not each["flags"] & _LOOPBACK
            and each["index"] in found
        )
