"""Gives every node a network for its pods: the lowest block of the cluster's range that no other node has."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from ipaddress import IPv4Network, ip_network
from typing import Final

from master.controllers.informers import Informers
from master.controllers.loop import Loop
from podlab.api.objects import Key, key
from podlab.client.client import Client
from podlab.client.informer import Change
from podlab.client.recorder import Recorder
from podlab.core.v1 import node_pb2
from podlab.errors import ApiError, Invalid, NotFound

log = logging.getLogger(__name__)


def lowest_free(cluster: IPv4Network, mask: int, taken: Iterable[str]) -> str | None:
    """The first block of that size that overlaps none of `taken`; None when the range is full."""
    used = [ip_network(network) for network in taken]
    spans = sorted((int(net.network_address), int(net.broadcast_address)) for net in used)
    step = 2 ** (32 - mask)
    candidate, end = int(cluster.network_address), int(cluster.broadcast_address)
    for first, last in spans:
        if first >= candidate + step:
            break
        if last >= candidate:
            candidate = (last // step + 1) * step
    return f"{IPv4Network((candidate, mask))}" if candidate + step - 1 <= end else None


class NodeIpamController:
    """Keys are nodes'. One worker, so that no block is given away twice."""

    name: Final = "nodeipam"

    def __init__(
        self, client: Client, informers: Informers, recorder: Recorder, *, pod_cidr: str, node_cidr_mask: int
    ) -> None:
        self._client = client
        self._nodes = informers.nodes
        self._recorder = recorder
        self._cluster = IPv4Network(pod_cidr)
        self._mask = node_cidr_mask
        # Given by us and perhaps not yet shown by the informer: node's uid to block.
        self._given: dict[str, str] = {}
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
        block = self._given.get(uid) or lowest_free(self._cluster, self._mask, self._taken())
        if block is None:
            message = f"Node {at.name} status is now: CIDRNotAvailable"
            self._recorder.event(node, "Warning", "CIDRNotAvailable", message)
            log.warning("%s: no block of /%d is left in %s for its pods", at, self._mask, self._cluster)
            return
        self._given[uid] = block
        changed = node_pb2.Node()
        changed.CopyFrom(node)
        changed.spec.podCIDR = block
        changed.spec.podCIDRs[:] = [block]
        try:
            await self._client.update(changed)
        except ApiError as error:
            if isinstance(error, (NotFound, Invalid)):
                self._given.pop(uid, None)
            raise
        log.info("%s: pods get addresses of %s", at, block)

    def _taken(self) -> set[str]:
        shown = {network for node in self._nodes.store.values() for network in node.spec.podCIDRs}
        return (
            shown
            | {node.spec.podCIDR for node in self._nodes.store.values() if node.spec.podCIDR}
            | set(self._given.values())
        )

    def _node_changed(self, change: Change[node_pb2.Node]) -> None:
        old, new = change.old, change.new
        if old is not None and (new is None or new.metadata.uid != old.metadata.uid):
            self._given.pop(old.metadata.uid, None)
            for node in self._nodes.store.values():  # its block may be what another one waits for
                if not node.spec.podCIDR:
                    self._loop.queue.add(key(node))
        if new is not None and new.spec.podCIDR:
            self._given.pop(new.metadata.uid, None)
        elif new is not None:
            self._loop.queue.add(change.key)
