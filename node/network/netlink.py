"""Reads and writes the kernel's routes, neighbours and forwarding entries through netlink, and looks at its paths.

Routes of ours carry a protocol number of their own; on the VXLAN device all is ours.
In a thread with a loop of pyroute2's own: uvloop, on which the components run, has no netlink sockets.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final, Literal

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from node.network.entries import Change, Drop, Entries, Entry, Forwarding, Neighbour, Route
from node.network.peers import Address
from node.network.vxlan import LINK
from node.network.ways import Reach

PROTOCOL: Final = 112
"""Marks our routes (rtm_protocol), so that others' are never touched and ours are found again after a restart."""

# linux/rtnetlink.h, linux/neighbour.h, linux/if.h
_MAIN_TABLE, _UNICAST, _ONLINK = 254, 1, 4
_BRIDGE, _SELF, _PERMANENT, _NOARP = 7, 2, 0x80, 0x40
_LOOPBACK, _POINT_TO_POINT, _LINK_NOARP = 0x8, 0x10, 0x80
FAMILIES: Final = {4: 2, 6: 10}
_GONE: Final = (errno.ESRCH, errno.ENOENT, errno.ENODEV)


class RouteError(Exception):
    """Something could not be set; the message names it and why."""


@dataclass(frozen=True)
class _Links:
    """The host's links by their numbers."""

    names: dict[int, str] = field(default_factory=dict)
    mtus: dict[int, int] = field(default_factory=dict)
    flags: dict[int, int] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """Raises RouteError."""
        for index, known in self.names.items():
            if known == name:
                return index
        raise RouteError(f"there is no link {name}")


async def current() -> Entries:
    """What is set of ours. Raises RouteError."""
    return await asyncio.to_thread(_current)


async def apply(changes: Iterable[Change]) -> list[str]:
    """Makes the changes, each by itself; deleting what is gone is success. What failed is told, one line each."""
    pending = list(changes)
    return await asyncio.to_thread(_apply, pending) if pending else []


async def paths(addresses: Collection[Address]) -> dict[Address, Reach]:
    """How the kernel sends to each; without those to which it has no route, and the host's own. Raises RouteError."""
    return await asyncio.to_thread(_paths, addresses)


async def mtu_at(address: Address) -> int | None:
    """The MTU of the interface that has this address; None when none has."""
    return await asyncio.to_thread(_mtu_at, address)


def _mtu_at(address: Address) -> int | None:
    with IPRoute(strict_check=True) as netlink:
        for found in netlink.get_addr(family=FAMILIES[address.version]):
            if found.get_attr("IFA_LOCAL") == str(address) or found.get_attr("IFA_ADDRESS") == str(address):
                (link,) = netlink.get_links(found["index"])
                return int(link.get_attr("IFLA_MTU"))
    return None


def _links(netlink: IPRoute) -> _Links:
    found = _Links()
    for link in netlink.get_links():
        index = int(link["index"])
        found.names[index] = str(link.get_attr("IFLA_IFNAME"))
        found.mtus[index] = int(link.get_attr("IFLA_MTU"))
        found.flags[index] = int(link["flags"])
    return found


def _paths(addresses: Collection[Address]) -> dict[Address, Reach]:
    try:
        with IPRoute(strict_check=True) as netlink:
            links = _links(netlink)
            tried = {address: _path(netlink, links, address) for address in addresses}
    except NetlinkError as error:
        raise RouteError(f"the kernel does not tell its paths: {error}") from error
    return {address: path for address, path in tried.items() if path is not None}


def _path(netlink: IPRoute, links: _Links, address: Address) -> Reach | None:
    try:
        (route,) = netlink.route("get", dst=str(address))
    except NetlinkError as error:
        if error.code in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EINVAL):
            return None
        raise
    index = int(route.get_attr("RTA_OIF") or 0)
    if route["type"] != _UNICAST or index not in links.names or links.flags[index] & _LOOPBACK:
        return None
    # On a tunnel's or a telephone line's link nobody is asked who has an address: what leads to one may not to others.
    finds_hosts = not links.flags[index] & (_POINT_TO_POINT | _LINK_NOARP)
    gateway = route.get_attr("RTA_GATEWAY") or route.get_attr("RTA_VIA")
    metrics, cached = route.get_attr("RTA_METRICS"), route.get_attr("RTA_CACHEINFO")
    # What was learnt of a path (it expires) is for the flow that learnt it; what was configured counts.
    learnt = cached is not None and cached["rta_expires"] != 0
    configured = metrics.get_attr("RTAX_MTU") if metrics is not None and not learnt else None
    return Reach(
        links.names[index], finds_hosts and not gateway, min(configured or links.mtus[index], links.mtus[index])
    )


def _current() -> Entries:
    try:
        with IPRoute(strict_check=True) as netlink:
            links = _links(netlink)
            routes = frozenset(_routes(netlink, links))
            device = next((index for index, name in links.names.items() if name == LINK), None)
            if device is None:
                return Entries(routes)
            return Entries(routes, frozenset(_neighbours(netlink, device)), frozenset(_forwardings(netlink, device)))
    except NetlinkError as error:
        raise RouteError(f"the kernel does not tell its routes: {error}") from error


def _families() -> Iterator[int]:
    """Those that the kernel speaks; of another it would answer with all that it has."""
    yield FAMILIES[4]
    if Path("/proc/sys/net/ipv6").exists():
        yield FAMILIES[6]


def _routes(netlink: IPRoute, links: _Links) -> Iterator[Route]:
    for family in _families():
        for route in netlink.get_routes(family=family, table=_MAIN_TABLE, proto=PROTOCOL):
            destination, gateway = route.get_attr("RTA_DST"), route.get_attr("RTA_GATEWAY")
            if route["proto"] == PROTOCOL and destination and gateway:
                source = route.get_attr("RTA_PREFSRC")
                yield Route(
                    ip_network(f"{destination}/{route['dst_len']}"),
                    ip_address(gateway),
                    links.names.get(route.get_attr("RTA_OIF"), ""),
                    ip_address(source) if source else None,
                )


def _neighbours(netlink: IPRoute, device: int) -> Iterator[Neighbour]:
    for family in _families():
        for found in netlink.get_neighbours(family=family, ifindex=device):
            if found["state"] & _PERMANENT:
                yield Neighbour(ip_address(found.get_attr("NDA_DST")), found.get_attr("NDA_LLADDR"))


def _forwardings(netlink: IPRoute, device: int) -> Iterator[Forwarding]:
    for found in netlink.get_neighbours(family=_BRIDGE, ifindex=device):
        if node := found.get_attr("NDA_DST"):
            yield Forwarding(found.get_attr("NDA_LLADDR"), ip_address(node))


def _apply(changes: Iterable[Change]) -> list[str]:
    failures = []
    with IPRoute(strict_check=True) as netlink:
        links = _links(netlink)
        for change in changes:
            try:
                _do(netlink, links, change)
            except (NetlinkError, RouteError) as error:
                failures.append(f"{describe(change.entry)}: {_why(change, error)}")
    return failures


def _do(netlink: IPRoute, links: _Links, change: Change) -> None:
    if isinstance(change, Drop):
        try:
            _set(netlink, links, "del", change.entry)
        except NetlinkError as error:
            if error.code not in _GONE:
                raise
        return
    if change.replaces and isinstance(change.entry, Route) and change.entry.pods.version == 6:
        # The kernel would look for the new gateway behind the old route, and refuse it.
        netlink.route("del", dst=str(change.entry.pods), proto=PROTOCOL)
        _set(netlink, links, "add", change.entry)
        return
    # What is not ours is never replaced: the kernel refuses to add a second one.
    _set(netlink, links, "replace" if change.replaces else "add", change.entry)


def _set(netlink: IPRoute, links: _Links, verb: Literal["add", "replace", "del"], entry: Entry) -> None:
    match entry:
        case Route(pods, gateway, device, source):
            by = {"prefsrc": str(source)} if source else {}
            flags = _ONLINK if device == LINK else 0
            index = links.number(device)
            netlink.route(verb, dst=str(pods), gateway=str(gateway), oif=index, proto=PROTOCOL, flags=flags, **by)
        case Neighbour(gateway, mac):
            index = links.number(LINK)
            netlink.neigh(verb, dst=str(gateway), lladdr=mac, ifindex=index, state=_PERMANENT)
        case Forwarding(mac, node):
            index, state = links.number(LINK), _PERMANENT | _NOARP
            netlink.neigh(verb, family=_BRIDGE, dst=str(node), lladdr=mac, ifindex=index, state=state, flags=_SELF)


def describe(entry: Entry) -> str:
    match entry:
        case Route(pods, gateway, device):
            return f"route to {pods} via {gateway} on {device}"
        case Neighbour(gateway, mac):
            return f"neighbour {gateway} at {mac} on {LINK}"
        case Forwarding(mac, node):
            return f"{mac} on {LINK} at node {node}"


def _why(change: Change, error: NetlinkError | RouteError) -> str:
    if isinstance(error, NetlinkError) and error.code == errno.EEXIST and isinstance(change.entry, Route):
        pods = change.entry.pods
        return f"another program's route stands there (ip route show {pods}): take it away, or choose other networks"
    return str(error)
