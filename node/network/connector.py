"""Keeps a node's ways to the other nodes' pods as they must be: reads the kernel, decides, writes what differs."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from node.network import device, entries, mtu, netlink
from node.network.netlink import RouteError
from node.network.peers import Peer
from node.network.ways import Overlay, Unreached, Way, ways

log = logging.getLogger(__name__)


class Connector:
    """`mtu`, in bytes, is what gets from each node to each other; 0 means that of the interfaces."""

    def __init__(self, overlay: Overlay, configured_mtu: int = 0) -> None:
        self._overlay = overlay
        self._configured_mtu = configured_mtu
        self.problems: frozenset[str] = frozenset()

    async def connect(self, own: Peer, nodes: Sequence[Peer]) -> int | None:
        """Sets up the ways from `own`, which has an address, to all other nodes' pods; the MTU that pods are to have.

        One way that cannot be set up harms no other: `problems` names it. Raises RouteError when nothing can be.
        """
        paths = await netlink.paths({address for peer in nodes if peer.name != own.name for address in peer.addresses})
        found = ways(own, nodes, paths, self._overlay)
        usable = [way for way in found if isinstance(way, Way)]
        problems = [way.reason for way in found if isinstance(way, Unreached)]
        between = mtu.between_nodes(await netlink.mtu_at(own.addresses[0]), paths, self._configured_mtu)
        problems += await self._keep_device(own, between, usable)
        changes = entries.changes(await netlink.current(), entries.wanted(own, usable))
        problems += await netlink.apply(changes)
        for change in changes:
            log.info("%s: %s", "set" if isinstance(change, entries.Put) else "removed", netlink.describe(change.entry))
        if self._overlay is Overlay.NEVER:
            await device.remove()
        self._tell(problems)
        return mtu.of_pods(between, own.addresses[0], usable, self._overlay)

    async def _keep_device(self, own: Peer, between: int | None, usable: Sequence[Way]) -> list[str]:
        """The VXLAN device is there unless it is never used: another node may send through it where this one need not.

        Raises RouteError when it is needed and cannot be made; else what is wrong is returned.
        """
        node = own.addresses[0]
        if self._overlay is Overlay.NEVER:
            return []
        if between is None:
            return [f"no interface has {node}, which is to be this node's address"]
        try:
            if await device.ensure(entries.vtep(own, mtu.through_vxlan(between, node))):
                log.info("VXLAN device set up at %s", node)
        except RouteError as error:
            if any(way.is_vxlan for way in usable):
                raise
            return [str(error)]
        return []

    def _tell(self, problems: Sequence[str]) -> None:
        """Says each problem once, for as long as it lasts."""
        for problem in problems:
            if problem not in self.problems:
                log.error("network: %s", problem)
        self.problems = frozenset(problems)
