"""One connection to a pod's port, relayed from its kubelet."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from master.apiserver.rpc.relay import Duplex, Relay
from master.apiserver.rpc.routes import KUBELET
from podlab.v1.kubelet_pb2 import PortForwardRequest, PortForwardResponse, PortForwardStart

# As the kubelet waits for what is still to be said to a pod that has said its last.
LINGER_S = 1.0


@dataclass(frozen=True, slots=True)
class PodConnection:
    """What is written after the pod has hung up goes nowhere."""

    duplex: Duplex

    async def write(self, content: bytes) -> None:
        """Returns when there is room for more."""
        await self.duplex.write(PortForwardRequest(data=content).SerializeToString())

    async def end(self) -> None:
        """The caller has said its last."""
        await self.duplex.write(PortForwardRequest(data_end=True).SerializeToString())

    async def received(self) -> AsyncIterator[bytes]:
        """What the pod says; after its last word the caller still has a while. Raises ApiError."""
        while (message := await self.duplex.read()) is not None:
            said = PortForwardResponse.FromString(message)
            if said.data:
                yield said.data
            if said.data_end:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.duplex.read(), LINGER_S)
                return


@dataclass(frozen=True, slots=True)
class PodDialer:
    """Whose ports are connected to. Each connection is one to the pod that has the name then."""

    relay: Relay
    namespace: str
    name: str

    @asynccontextmanager
    async def dial(self, port: int) -> AsyncIterator[PodConnection]:
        """Raises ApiError when its node cannot be reached."""
        start = PortForwardStart(namespace=self.namespace, pod=self.name, port=port)
        first = PortForwardRequest(start=start).SerializeToString()
        async with self.relay.opened(KUBELET, "PortForward", first, moment=await self.relay.now()) as duplex:
            yield PodConnection(duplex)

    def failure(self, port: int, why: str) -> bytes:
        """As Kubernetes tells of a connection that cannot be made."""
        return f"error forwarding port {port} to pod {self.name}, uid : {why}".encode()
