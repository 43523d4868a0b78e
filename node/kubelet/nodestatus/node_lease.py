"""The node's heartbeat: a Lease in kube-node-lease that is renewed four times within its duration."""

from __future__ import annotations

import asyncio

from podlab.api.values import times
from podlab.client.client import Client
from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import node_pb2
from podlab.errors import AlreadyExists, ApiError, Conflict, NotFound

NAMESPACE = "kube-node-lease"
RENEWALS = 4
RETRY_S = 1.0
DOING = "renew the node's lease"


class NodeLease:
    """`run` for ever."""

    def __init__(self, client: Client, node_name: str, duration_s: int) -> None:
        self._client = client
        self._node_name = node_name
        self._duration_s = duration_s
        self._lease: lease_pb2.Lease | None = None

    async def run(self) -> None:
        while True:
            try:
                await self._renew()
                self._client.outages.ended(DOING)
                await asyncio.sleep(self._duration_s / RENEWALS)
            except (Conflict, NotFound, AlreadyExists):
                self._lease = None
                await asyncio.sleep(RETRY_S)
            except ApiError as error:
                self._client.outages.failed(DOING, error)
                await asyncio.sleep(RETRY_S)

    async def _renew(self) -> None:
        if self._lease is None:
            self._lease = await self._present()
        if self._lease is None:
            self._lease = await self._client.create(await self._new())
            return
        renewed = lease_pb2.Lease()
        renewed.CopyFrom(self._lease)
        renewed.spec.holderIdentity = self._node_name
        renewed.spec.leaseDurationSeconds = self._duration_s
        renewed.spec.renewTime.CopyFrom(times.now_micro())
        self._lease = await self._client.update(renewed)

    async def _present(self) -> lease_pb2.Lease | None:
        try:
            return await self._client.get(lease_pb2.Lease, self._node_name, NAMESPACE)
        except NotFound:
            return None

    async def _new(self) -> lease_pb2.Lease:
        """Owned by the node, so that it goes with it. Raises NotFound until the node is registered."""
        node = await self._client.get(node_pb2.Node, self._node_name)
        lease = lease_pb2.Lease()
        lease.metadata.name, lease.metadata.namespace = self._node_name, NAMESPACE
        lease.metadata.ownerReferences.add(apiVersion="v1", kind="Node", name=self._node_name, uid=node.metadata.uid)
        lease.spec.holderIdentity = self._node_name
        lease.spec.leaseDurationSeconds = self._duration_s
        lease.spec.acquireTime.CopyFrom(times.now_micro())
        lease.spec.renewTime.CopyFrom(times.now_micro())
        return lease
