"""Gives every node a network for its pods: the lowest block of the cluster's range that no other node has."""

from __future__ import annotations

import logging
from ipaddress import IPv4Network
from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from master.controllers.nodes.nodeipam.cidrset import CidrSet
from podlab.api.objects import Key
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
        self, client: Client, informers: Informers, recorder: EventRecorder, *, pod_cidr: str, node_cidr_mask: int
    ) -> None:
        self._client = client
        self._nodes = informers.nodes
        self._recorder = recorder
        self._cluster = IPv4Network(pod_cidr)
        self._mask = node_cidr_mask
        # By the node's uid; those that we gave and the informer does not show yet as well.
        self._cidrs = CidrSet(self._cluster, node_cidr_mask)
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
        block = next(iter(self._cidrs.networks_of(uid)), None) or self._cidrs.lowest_free()
        if block is None:
            self._nodes_without_cidr.add(at)
            message = f"Node {at.name} status is now: CIDRNotAvailable"
            self._recorder.event(node, "Warning", "CIDRNotAvailable", message)
            log.warning("%s: no block of /%d is left in %s for its pods", at, self._mask, self._cluster)
            return
        self._cidrs.occupy(uid, [block])
        changed = node_pb2.Node()
        changed.CopyFrom(node)
        changed.spec.podCIDR = block
        changed.spec.podCIDRs[:] = [block]
        try:
            await self._client.update(changed)
        except ApiError as error:
            if isinstance(error, (NotFound, Invalid)):
                self._cidrs.release(uid)
            raise
        log.info("%s: pods get addresses of %s", at, block)

    def _node_changed(self, change: Change[node_pb2.Node]) -> None:
        old, new = change.old, change.new
        if old is not None and (new is None or new.metadata.uid != old.metadata.uid):
            self._cidrs.release(old.metadata.uid)
            for waiting in self._nodes_without_cidr:  # its block may be what another one waits for
                self._loop.queue.add(waiting)
            self._nodes_without_cidr.clear()
        if new is not None and new.spec.podCIDR:
            self._cidrs.occupy(new.metadata.uid, {new.spec.podCIDR: None, **dict.fromkeys(new.spec.podCIDRs)})
        elif new is not None:
            self._loop.queue.add(change.key)
