"""The network loop of one node: the ways to the other nodes' pods, CNI configuration, masquerade for the way out."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from pathlib import Path

from node.command import CommandError
from node.family import family_of
from node.iptables import Iptables
from node.network import cni, doors, masquerade
from node.network.connector import Connector
from node.network.netlink import RouteError
from node.network.peers import Peer, peer_of
from node.network.settings import NetworkSettings
from node.network.ways import Overlay
from podlab.api.values.ipfamilies import networks
from podlab.client.client import Client
from podlab.client.informer import Informer
from podlab.core.v1.node_pb2 import Node

log = logging.getLogger(__name__)

# What another program took away is back within 10 s.
VERIFY_PERIOD_S = 8.0
RETRY_S = 2.0
# A pod that is being connected while the MTU changes may have the old one: its door is found by a later look. Looking
# for ever would cost 40 ms of a processor each time, at 110 pods.
DOORS_SETTLE_S = 30.0


class Network:
    """`run` for ever. `ready` is true once pods can get addresses; until then `reason` says what is missing.

    `cluster_cidr` is the network of all pods, or one of each family with a comma between.
    """

    def __init__(
        self, client: Client, node_name: str, cluster_cidr: str, cni_directory: Path, settings: NetworkSettings
    ) -> None:
        self.ready = False
        self.reason = "waiting for the list of nodes"
        self._node_name = node_name
        self._cluster_cidrs = tuple(map(str, networks(cluster_cidr)))
        self._connector = Connector(Overlay(settings.overlay), settings.mtu)
        self._doors_settled_at = 0.0  # in the loop's time
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
                except (CommandError, RouteError, OSError) as error:
                    self.reason = str(error)
                    log.error("network: %s; again in %.0f s", error, RETRY_S)
                    self._dirty.set()
                    await asyncio.sleep(RETRY_S)

    def _node_changed(self, old: Node | None, new: Node | None) -> None:
        # A node's status changes often. Only its pods' networks and addresses matter here.
        if (old and peer_of(old)) != (new and peer_of(new)):
            self._dirty.set()

    async def _sync(self) -> None:
        node = self._nodes.get(self._node_name)
        own = peer_of(node) if node is not None else Peer(self._node_name)
        if not own.pods:
            self.reason = f"node {self._node_name} has no podCIDR yet: the controllers assign one"
            return
        if not own.addresses:
            self.reason = f"node {self._node_name} has no InternalIP yet: its kubelet writes one"
            return
        pods_mtu = await self._connector.connect(own, [peer_of(each) for each in self._nodes.list()])
        for cidr in self._cluster_cidrs:
            family = family_of(cidr)
            if await Iptables(family=family).apply(masquerade.render(cidr), masquerade.PREFIX):
                log.info("%s: masquerade rules written", family.name)
        now = asyncio.get_running_loop().time()
        if self._write_cni(tuple(map(str, own.pods)), pods_mtu) or not self.ready:
            self._doors_settled_at = now + DOORS_SETTLE_S
        self.ready, self.reason = True, ""
        self._was_ready.set()
        if pods_mtu and now < self._doors_settled_at and (changed := await doors.keep(cni.BRIDGE, pods_mtu)):
            log.info("interfaces of %d pods have the MTU %d from now on", changed, pods_mtu)

    def _write_cni(self, pod_cidrs: tuple[str, ...], pods_mtu: int | None) -> bool:
        """Whether it was another one."""
        text = json.dumps(cni.conflist(pod_cidrs, pods_mtu), indent=2) + "\n"
        if self._file.exists() and self._file.read_text() == text:
            self._file.chmod(0o600)  # earlier releases let everybody read it
            return False
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_suffix(".tmp")
        temporary.write_text(text)
        temporary.chmod(0o600)
        temporary.replace(self._file)
        told = ", ".join(pod_cidrs)
        log.info("CNI configuration written: pods get addresses of %s, and packets of %s bytes", told, pods_mtu)
        return True
