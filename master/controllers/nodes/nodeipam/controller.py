"""Gives every node a network for its pods, of each family: the lowest block of the range that no other node has."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from master.controllers.nodes.nodeipam.cidrset import CidrSet
from podlab.api.objects import Key
from podlab.api.values.ipfamilies import Network
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change
from podlab.core.v1 import node_pb2
from podlab.errors import ApiError, Invalid, NotFound

log = logging.getLogger(__name__)


class NodeIpamController:
    """Keys are nodes'. One worker, so that no block is given away twice."""

    name: Final = "nodeipam"

    def __init__(
        self, client: Client, informers: Informers, recorder: EventRecorder, *, blocks: Mapping[Network, int]
    ) -> None:
        """`blocks` are the ranges, that of the primary family first, and how long the prefixes of nodes' blocks are."""
        self._client = client
        self._nodes = informers.nodes
        self._recorder = recorder
        self._blocks = blocks
        # By the node's uid; those that we gave and the informer does not show yet as well.
        self._cidrs = [CidrSet(cluster, mask) for cluster, mask in blocks.items()]
        self._nodes_without_cidr: set[Key] = set()
        self._loop: Loop[Key] = Loop(self.name, self.reconcile, workers=1)
        informers.nodes.on_change(self._node_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        node = self._nodes.store.get(at)
        if node is None or node.spec.podCIDR or node.metadata.HasField("deletionTimestamp"):
            return
        uid = node.metadata.uid
        # An update whose answer was lost is repeated with the same block.
        found = [next(iter(cidrs.networks_of(uid)), None) or cidrs.lowest_free() for cidrs in self._cidrs]
        blocks = [block for block in found if block is not None]
        if len(blocks) < len(found):
            self._nodes_without_cidr.add(at)
            message = f"Node {at.name} status is now: CIDRNotAvailable"
            self._recorder.event(node, "Warning", "CIDRNotAvailable", message)
            left = ", ".join(f"/{mask} in {cluster}" for cluster, mask in self._blocks.items())
            log.warning("%s: no block is left for its pods: %s", at, left)
            return
        for cidrs, block in zip(self._cidrs, blocks, strict=True):
            cidrs.occupy(uid, [block])
        changed = node_pb2.Node()
        changed.CopyFrom(node)
        changed.spec.podCIDR = blocks[0]
        changed.spec.podCIDRs[:] = blocks
        try:
            await self._client.update(changed)
        except ApiError as error:
            if isinstance(error, (NotFound, Invalid)):
                self._release(uid)
            raise
        log.info("%s: pods get addresses of %s", at, ", ".join(blocks))

    def _release(self, uid: str) -> None:
        for cidrs in self._cidrs:
            cidrs.release(uid)

    def _node_changed(self, change: Change[node_pb2.Node]) -> None:
        old, new = change.old, change.new
        if old is not None and (new is None or new.metadata.uid != old.metadata.uid):
            self._release(old.metadata.uid)
            for waiting in self._nodes_without_cidr:  # its block may be what another one waits for
                self._loop.queue.add(waiting)
            self._nodes_without_cidr.clear()
        if new is not None and new.spec.podCIDR:
            held = dict.fromkeys((new.spec.podCIDR, *new.spec.podCIDRs))
            for cluster, cidrs in zip(self._blocks, self._cidrs, strict=True):
                cidrs.occupy(new.metadata.uid, [one for one in held if ip_network(one).version == cluster.version])
        elif new is not None:
            self._loop.queue.add(change.key)
