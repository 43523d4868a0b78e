"""Reads and writes the kernel's routes through netlink. Routes of ours carry a protocol number of their own.

In a thread with a loop of pyroute2's own: uvloop, on which the components run, has no netlink sockets.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Iterable

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from node.network.routes import RouteChange

# Marks our routes (rtm_protocol), so that others' are never touched and ours are found again after a restart.
PROTOCOL = 112
MAIN_TABLE = 254


class RouteError(Exception):
    """A route could not be set; the message names it and why."""


async def current_routes() -> dict[str, str]:
    """Our routes as they are now: CIDR -> gateway."""
    return await asyncio.to_thread(_current_routes)


async def apply(changes: Iterable[RouteChange]) -> None:
    """Makes the changes; deleting what is gone is success. Raises RouteError naming the first that failed."""
    pending = list(changes)
    if pending:
        await asyncio.to_thread(_apply, pending)


async def mtu_at(address: str) -> int | None:
    """The MTU of the interface that has this address; None when none has."""
    return await asyncio.to_thread(_mtu_at, address)


def _mtu_at(address: str) -> int | None:
    with IPRoute() as netlink:
        for found in netlink.get_addr(family=2, address=address):
            if found.get_attr("IFA_ADDRESS") == address:
                (link,) = netlink.get_links(found["index"])
                return int(link.get_attr("IFLA_MTU"))
    return None


def _current_routes() -> dict[str, str]:
    routes: dict[str, str] = {}
    with IPRoute() as netlink:
        for route in netlink.get_routes(family=2, table=MAIN_TABLE, proto=PROTOCOL):
            destination, gateway = route.get_attr("RTA_DST"), route.get_attr("RTA_GATEWAY")
            if route["proto"] == PROTOCOL and destination and gateway:
                routes[f"{destination}/{route['dst_len']}"] = gateway
    return routes


def _apply(changes: Iterable[RouteChange]) -> None:
    with IPRoute() as netlink:
        for change in changes:
            try:
                if change.gateway is None:
                    netlink.route("del", dst=change.cidr, proto=PROTOCOL)
                else:
                    netlink.route("replace", dst=change.cidr, gateway=change.gateway, proto=PROTOCOL)
            except NetlinkError as error:
                if change.gateway is None and error.code == errno.ESRCH:
                    continue
                via = f" via {change.gateway}: is that node on the same network segment?" if change.gateway else ""
                raise RouteError(f"route to {change.cidr}{via}: {error}") from error
