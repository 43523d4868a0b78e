"""A connection to a port of a pod, relayed by its kubelet."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from master.apiserver.rpc.relay import Duplex, Relay
from master.apiserver.rpc.routes import KUBELET
from podlab.v1.kubelet_pb2 import PortForwardRequest, PortForwardResponse, PortForwardStart

# After a pod's last byte the kubelet still takes bytes for it for this long.
LINGER_S = 1.0


@dataclass(frozen=True, slots=True)
class PodConnection:
    """A connection to one port. Bytes that are written after the pod has closed it are lost."""

    duplex: Duplex

    async def write(self, content: bytes) -> None:
        """Write, and wait until there is room for more."""
        await self.duplex.write(PortForwardRequest(data=content).SerializeToString())

    async def end(self) -> None:
        """Tell the pod that no more bytes follow."""
        await self.duplex.write(PortForwardRequest(data_end=True).SerializeToString())

    async def received(self) -> AsyncIterator[bytes]:
        """The bytes from the pod. After the last ones the caller may still write for LINGER_S. Raises ApiError."""
        while (message := await self.duplex.read()) is not None:
            response = PortForwardResponse.FromString(message)
            if response.data:
                yield response.data
            if response.data_end:
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
        """Connect to a port. Raises ApiError when the pod's node cannot be reached."""
        start = PortForwardStart(namespace=self.namespace, pod=self.name, port=port)
        first = PortForwardRequest(start=start).SerializeToString()
        async with self.relay.opened(KUBELET, "PortForward", first, moment=await self.relay.now()) as duplex:
            yield PodConnection(duplex)

    def failure(self, port: int, why: str) -> bytes:
        """Kubernetes' message for a connection that cannot be made."""
        return f"error forwarding port {port} to pod {self.name}, uid : {why}".encode()
