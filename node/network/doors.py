"""How long packets may be at pods' doors: at both ends of each pod's link on the bridge, through netlink.

A pod is given its MTU when it starts. If the pods of one bridge had several, it would drop what one of them sends and
another cannot take, and nobody would be told: a bridge is no router.
"""

from __future__ import annotations

import asyncio
import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from node import netns
from node.network.netlink import RouteError

# Where containerd has the namespaces of pods, and what the CNI plugins call a pod's interface.
NAMESPACES: Final = Path("/run/netns")
INTERFACE: Final = "eth0"


@dataclass(frozen=True)
class _Door:
    """The link on the bridge, by its number, and the namespace that its other end is in."""

    link: int
    namespace: Path


async def keep(bridge: str, mtu: int) -> int:
    """Gives all doors on the bridge this MTU, in bytes; how many had another one.

    A pod that has just gone needs none, and what leads to a namespace without a name is no pod's. Raises RouteError.
    """
    try:
        wrong = await asyncio.to_thread(_wrong, bridge, mtu)
        changed = [door for door in wrong if await _set(door, mtu)]
    except (NetlinkError, OSError) as error:
        raise RouteError(f"MTU of pods' interfaces on {bridge}: {error}") from error
    return len(changed)


async def _set(door: _Door, mtu: int) -> bool:
    """Whether it is still there. The outer end comes last: as long as that is wrong, the next look finds the door."""
    try:
        await netns.set_mtu(str(door.namespace), INTERFACE, mtu)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EINVAL, errno.ENODEV):  # no such file, no longer a namespace, no link
            return False
        raise
    return await asyncio.to_thread(_set_outside, door.link, mtu)


def _set_outside(link: int, mtu: int) -> bool:
    with IPRoute() as netlink:
        try:
            netlink.link("set", index=link, mtu=mtu)
        except NetlinkError as error:
            if error.code == errno.ENODEV:
                return False
            raise
    return True


def _wrong(bridge: str, mtu: int) -> list[_Door]:
    """The doors that have another MTU."""
    with IPRoute() as netlink:
        numbers = netlink.link_lookup(ifname=bridge)
        ports = [link for link in netlink.get_links() if link.get_attr("IFLA_MASTER") in numbers]
        wrong = [link for link in ports if link.get_attr("IFLA_MTU") != mtu]
        namespaces = _namespaces(netlink) if wrong else {}
    found = [(int(link["index"]), namespaces.get(link.get_attr("IFLA_LINK_NETNSID"))) for link in wrong]
    return [_Door(link, namespace) for link, namespace in found if namespace is not None]


def _namespaces(netlink: IPRoute) -> dict[int, Path]:
    """Those that have names, by the numbers that the kernel calls them for us."""
    found = {}
    for path in NAMESPACES.iterdir() if NAMESPACES.is_dir() else ():
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            found[int(netlink.get_netnsid(fd=descriptor)["nsid"])] = path
        except NetlinkError as error:
            if error.code != errno.EINVAL:  # no longer a namespace
                raise
        finally:
            os.close(descriptor)
    return found
