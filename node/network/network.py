"""The network loop of one node: CNI configuration, routes to the other nodes' pods, masquerade for the way out."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from pathlib import Path

from node.command import CommandError
from node.family import family_of
from node.iptables import Iptables
from node.network import cni, masquerade, netlink, routes
from podlab.api.values.ipfamilies import networks
from podlab.client.client import Client
from podlab.client.informer import Informer
from podlab.core.v1.node_pb2 import Node

log = logging.getLogger(__name__)

VERIFY_PERIOD_S = 10.0
RETRY_S = 2.0


class Network:
    """`run` for ever. `ready` is true once pods can get addresses; until then `reason` says what is missing.

    `cluster_cidr` is the network of all pods, or one of each family with a comma between.
    """

    def __init__(self, client: Client, node_name: str, cluster_cidr: str, cni_directory: Path) -> None:
        self.ready = False
        self.reason = "waiting for the list of nodes"
        self._node_name = node_name
        self._cluster_cidrs = tuple(map(str, networks(cluster_cidr)))
        self._file = cni_directory / cni.FILE
        self._nodes = Informer(client, Node)
        self._dirty = asyncio.Event()
        self._was_ready = asyncio.Event()
        self._nodes.on_change(lambda change: self._node_changed(change.old, change.new))

    async def wait_ready(self, timeout_s: float) -> None:
        """Returns when the network is ready, or when the time is up."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._was_ready.wait(), timeout_s)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._nodes.run())
            await self._nodes.synced.wait()
            self._dirty.set()
            while True:
                try:
                    await asyncio.wait_for(self._dirty.wait(), VERIFY_PERIOD_S)
                except TimeoutError:
                    log.debug("verifying the routes although no node changed")
                self._dirty.clear()
                try:
                    await self._sync()
                except (CommandError, netlink.RouteError, OSError) as error:
                    self.reason = str(error)
                    log.error("network: %s; again in %.0f s", error, RETRY_S)
                    self._dirty.set()
                    await asyncio.sleep(RETRY_S)

    def _node_changed(self, old: Node | None, new: Node | None) -> None:
        # A node's status changes often. Only its CIDR and addresses matter here.
        if _cidr_and_addresses(old) != _cidr_and_addresses(new):
            self._dirty.set()

    async def _sync(self) -> None:
        own = self._nodes.get(self._node_name)
        if own is None or not own.spec.podCIDR:
            self.reason = f"node {self._node_name} has no podCIDR yet: the controllers assign one"
            return
        target = routes.wanted(self._nodes.list(), self._node_name)
        changes = routes.changes(await netlink.current_routes(), target)
        await netlink.apply(changes)
        for change in changes:
            log.info("route to %s: %s", change.cidr, change.gateway or "removed")
        for cidr in self._cluster_cidrs:
            family = family_of(cidr)
            if await Iptables(family=family).apply(masquerade.render(cidr), masquerade.PREFIX):
                log.info("%s: masquerade rules written", family.name)
        self._write_cni(_pod_cidrs(own), await netlink.mtu_at(routes.address_of(own)))
        self.ready, self.reason = True, ""
        self._was_ready.set()

    def _write_cni(self, pod_cidrs: tuple[str, ...], mtu: int | None) -> None:
        text = json.dumps(cni.conflist(pod_cidrs, mtu), indent=2) + "\n"
        if self._file.exists() and self._file.read_text() == text:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_suffix(".tmp")
        temporary.write_text(text)
        temporary.replace(self._file)
        log.info("CNI configuration written: pods get addresses of %s", ", ".join(pod_cidrs))


def _cidr_and_addresses(node: Node | None) -> tuple[str, ...]:
    """A node's pod CIDRs and addresses."""
    return (*_pod_cidrs(node), *(each.address for each in node.status.addresses)) if node is not None else ()


def _pod_cidrs(node: Node) -> tuple[str, ...]:
    """Of which the node's pods get an address each."""
    return tuple(node.spec.podCIDRs) or (node.spec.podCIDR,)
