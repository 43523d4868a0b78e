"""The address at which the node answers DNS itself: on a link of ours, and past all rules that rewrite packets.

A query is never tracked by the kernel: Services' rules cannot send it elsewhere, and a flood of queries fills no table.
"""

from __future__ import annotations

import asyncio

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from node.links import remove_link
from node.nftables import Nft

LINK = "podlab-dns"
TABLE = "podlab-dns"
PORT = 53


class LinkError(Exception):
    """The address could not be set up; the message says why."""


def ruleset(address: str) -> str:
    """The table, as a script that replaces an earlier one."""
    asked = f"ip daddr {address} meta l4proto {{ tcp, udp }} th dport {PORT} notrack"
    answered = f"ip saddr {address} meta l4proto {{ tcp, udp }} th sport {PORT} notrack"
    return (
        f"add table ip {TABLE}\n"
        f"delete table ip {TABLE}\n"
        f"table ip {TABLE} {{\n"
        f"  chain prerouting {{ type filter hook prerouting priority raw; {asked}; }}\n"
        f"  chain output {{ type filter hook output priority raw; {asked}; {answered}; }}\n"
        f"}}\n"
    )


async def ensure(address: str) -> bool:
    """Makes the link with this address, and no other, if it is not there; whether it had to. Raises LinkError."""
    return await asyncio.to_thread(_ensure, address)


async def write_rules(nft: Nft, address: str) -> None:
    """Raises CommandError."""
    await nft.apply(ruleset(address))


async def remove(nft: Nft) -> None:
    """Takes link and table away. Raises LinkError, CommandError."""
    await asyncio.to_thread(_remove)
    await nft.apply(f"add table ip {TABLE}\ndelete table ip {TABLE}\n")


def _ensure(address: str) -> bool:
    with IPRoute() as netlink:
        try:
            found = netlink.link_lookup(ifname=LINK)
            if not found:
                # A bridge without ports: kernels without dummy links have those, for the pods' own bridge is one.
                netlink.link("add", ifname=LINK, kind="bridge")
                found = netlink.link_lookup(ifname=LINK)
            (index,) = found
            present = {each.get_attr("IFA_ADDRESS") for each in netlink.get_addr(family=2, index=index)}
            (link,) = netlink.get_links(index)
            if present == {address} and link["flags"] & 1:
                return False
            for other in present - {address}:
                netlink.addr("del", index=index, address=other, prefixlen=32)
            if address not in present:
                netlink.addr("add", index=index, address=address, prefixlen=32)
            netlink.link("set", index=index, state="up")
        except NetlinkError as error:
            raise LinkError(f"address {address} on link {LINK}: {error}") from error
    return True


def _remove() -> None:
    try:
        remove_link(LINK)
    except NetlinkError as error:
        raise LinkError(f"link {LINK}: {error}") from error
