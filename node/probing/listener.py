"""What answers probes in a namespace: every connection is taken, every datagram sent back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from node import netns

_BACKLOG = 512


class _Echo(asyncio.DatagramProtocol):
    transport: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.transport is not None:
            self.transport.sendto(data, addr)


@contextlib.asynccontextmanager
async def listening(namespace: str, address: str) -> AsyncIterator[int]:
    """The port at which TCP and UDP are answered. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    taking = await netns.make_socket(namespace, family)
    taking.bind((address, 0))
    port = int(taking.getsockname()[1])
    server = await asyncio.start_server(_hang_up, sock=taking, backlog=_BACKLOG)
    try:
        echoing = await netns.make_socket(namespace, family, socket.SOCK_DGRAM)
        echoing.bind((address, port))
        transport, echo = await asyncio.get_running_loop().create_datagram_endpoint(_Echo, sock=echoing)
        echo.transport = transport
        try:
            yield port
        finally:
            transport.close()
    finally:
        server.close()
        await server.wait_closed()


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
