"""The VXLAN device of a node: made, kept as it must be, and taken away. Link, addresses and MTU, through netlink."""

from __future__ import annotations

import asyncio
import errno
from typing import Final

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from node.links import remove_link
from node.network.entries import Vtep
from node.network.netlink import RouteError
from node.network.vxlan import LINK, PORT, VNI

# linux/if.h, linux/if_addr.h
_UP: Final = 1
_NO_DAD: Final = 2
_HOST: Final = {4: 32, 6: 128}
_LOCAL: Final = {4: "LOCAL", 6: "LOCAL6"}


async def ensure(vtep: Vtep) -> bool:
    """Makes the device what it must be; whether it had to change anything. Raises RouteError."""
    return await asyncio.to_thread(_ensure, vtep)


async def remove() -> bool:
    """Takes the device away with all that is on it; whether it was there. Raises RouteError."""
    return await asyncio.to_thread(_remove)


def _ensure(vtep: Vtep) -> bool:
    try:
        with IPRoute(strict_check=True) as netlink:
            made = False
            link = _find(netlink)
            if link is not None and not _is_as_made(link, vtep):
                netlink.link("del", index=link["index"])
                link = None
            if link is None:
                _make(netlink, vtep)
                made, link = True, _find(netlink)
            if link is None:
                raise RouteError(f"link {LINK} went while it was made")
            return _adjust(netlink, link, vtep) or made
    except NetlinkError as error:
        raise RouteError(_why(error)) from error


def _why(error: NetlinkError) -> str:
    """What the kernel means, on a host where another program uses VXLAN too or where it is not known."""
    if error.code == errno.EEXIST:
        cause = f"another device has VNI {VNI} at UDP port {PORT} (ip -d link show type vxlan)"
    elif error.code == errno.EADDRINUSE:
        cause = f"another program holds UDP port {PORT} (ss -ulpn)"
    elif error.code == errno.EOPNOTSUPP:
        cause = "the kernel has no VXLAN (modprobe vxlan), which podlab_network_overlay: never does without"
    else:
        cause = str(error)
    return f"link {LINK}: {cause}"


def _find(netlink: IPRoute) -> ifinfmsg | None:
    for index in netlink.link_lookup(ifname=LINK):
        (link,) = netlink.get_links(index)
        return link
    return None


def _make(netlink: IPRoute, vtep: Vtep) -> None:
    local = {f"vxlan_{_LOCAL[vtep.node.version].lower()}": str(vtep.node)}
    netlink.link(
        "add",
        ifname=LINK,
        kind="vxlan",
        vxlan_id=VNI,
        vxlan_port=PORT,
        vxlan_learning=0,
        address=vtep.mac,
        mtu=vtep.mtu,
        **local,
    )


def _is_as_made(link: ifinfmsg, vtep: Vtep) -> bool:
    """Whether it has what cannot be changed once it is there."""
    info = link.get_attr("IFLA_LINKINFO")
    if info is None or info.get_attr("IFLA_INFO_KIND") != "vxlan":
        return False
    data = info.get_attr("IFLA_INFO_DATA")
    numbers = [data.get_attr(f"IFLA_VXLAN_{name}") for name in ("ID", "PORT", "LEARNING")]
    local = data.get_attr(f"IFLA_VXLAN_{_LOCAL[vtep.node.version]}")
    return numbers == [VNI, PORT, 0] and local == str(vtep.node) and link.get_attr("IFLA_ADDRESS") == vtep.mac


def _adjust(netlink: IPRoute, link: ifinfmsg, vtep: Vtep) -> bool:
    """Its MTU, its addresses, and that it is up; whether anything was not so."""
    index = int(link["index"])
    changed = False
    if link.get_attr("IFLA_MTU") != vtep.mtu:
        netlink.link("set", index=index, mtu=vtep.mtu)
        changed = True
    if not link["flags"] & _UP:
        netlink.link("set", index=index, state="up")
        changed = True
    wanted = {str(address): _HOST[address.version] for address in vtep.addresses}
    found = {}
    for each in netlink.get_addr(index=index):
        if each["scope"] == 0:  # not the one that the kernel gives to every link
            found[str(each.get_attr("IFA_LOCAL") or each.get_attr("IFA_ADDRESS"))] = int(each["prefixlen"])
    for address, length in found.items() - wanted.items():
        netlink.addr("del", index=index, address=address, prefixlen=length)
    for address, length in wanted.items() - found.items():
        # Nobody else can have it: an IPv6 address is not tried for a second before it may be used.
        netlink.addr("add", index=index, address=address, prefixlen=length, flags=_NO_DAD)
    return changed or found != wanted


def _remove() -> bool:
    try:
        return remove_link(LINK)
    except NetlinkError as error:
        raise RouteError(f"link {LINK}: {error}") from error
