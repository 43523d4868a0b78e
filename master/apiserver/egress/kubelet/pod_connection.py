"""A connection to a port of a pod, relayed by its kubelet."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from master.apiserver.egress.kubelet.duplex import Duplex
from podlab.v1.kubelet_pb2 import PortForwardRequest, PortForwardResponse

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

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The bytes from the pod, to the last. Raises ApiError."""
        while (message := await self.duplex.read()) is not None:
            response = PortForwardResponse.FromString(message)
            if response.data:
                yield response.data
            if response.data_end:
                return

    async def received(self) -> AsyncGenerator[bytes, None]:
        """The same. After the last ones the caller may still write for LINGER_S."""
        async for content in self.pieces():
            yield content
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.duplex.read(), LINGER_S)
