"""A node whose pods another CNI plugin connects: nothing of Podlab's own network is left there."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from pyroute2.netlink.exceptions import NetlinkError

from node.command import CommandError
from node.family import family_of
from node.iptables import Iptables
from node.links import remove_unused_bridge
from node.network import cni, device, masquerade, netlink
from node.network.entries import Entries, changes
from node.network.netlink import RouteError
from podlab.api.values.ipfamilies import networks

log = logging.getLogger(__name__)

RETRY_S = 5.0


class ForeignNetwork:
    """Always ready itself: whether pods can get addresses is what the container runtime says of its CNI plugin."""

    ready = True
    reason = ""

    def __init__(self, cluster_cidr: str, cni_directory: Path) -> None:
        self._file = cni_directory / cni.FILE
        self._families = [family_of(str(each)) for each in networks(cluster_cidr)]

    async def wait_ready(self, timeout_s: float) -> None:
        """Returns at once."""

    async def run(self) -> None:
        """Takes away what the node's own network left, and ends; pods that it connected keep their bridge as long."""
        while True:
            try:
                if await self._clean_up():
                    return
            except (CommandError, RouteError, NetlinkError, OSError) as error:
                log.error("what Podlab's network left is not gone yet: %s; again in %.0f s", error, RETRY_S)
            await asyncio.sleep(RETRY_S)

    async def _clean_up(self) -> bool:
        self._file.unlink(missing_ok=True)
        failures = await netlink.apply(changes(await netlink.current(), Entries()))
        if failures:
            raise RouteError("; ".join(failures))
        await device.remove()
        for family in self._families:
            if await Iptables(family=family).apply({}, masquerade.PREFIX):
                log.info("%s: masquerade rules removed", family.name)
        return await asyncio.to_thread(remove_unused_bridge, cni.BRIDGE)
