"""Connections to ports of a pod, relayed by its kubelet, for whoever was found to be allowed to forward them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from master.apiserver.egress.kubelet.pod_connection import PodConnection
from master.apiserver.rpc.relay import Relay
from master.apiserver.rpc.routes import KUBELET
from podlab.v1.kubelet_pb2 import PortForwardRequest, PortForwardStart


@dataclass(frozen=True, slots=True)
class PodDialer:
    """Whose ports are connected to. Each connection is one to the pod that has the name then."""

    relay: Relay
    namespace: str
    name: str

    @asynccontextmanager
    async def dial(self, port: int) -> AsyncIterator[PodConnection]:
        """Connect to a port. Raises ApiError when the pod's node cannot be reached."""
        start = PortForwardStart(namespace=self.namespace, pod=self.name, port=port)
        first = PortForwardRequest(start=start).SerializeToString()
        async with self.relay.opened(KUBELET, "PortForward", first, moment=await self.relay.now()) as duplex:
            yield PodConnection(duplex)

    def failure(self, port: int, why: str) -> bytes:
        """Kubernetes' message for a connection that cannot be made."""
        return f"error forwarding port {port} to pod {self.name}, uid : {why}".encode()
