"""Sockets whose other end is a port of a pod.

One end of a pair of sockets is given to the caller, as if it were connected to the pod; what passes the other end is
carried through the kubelet's gRPC stream. So TLS and HTTP go over it like over TCP, and a side that does not read holds
back the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket

from master.apiserver.egress.destinations import PodPort
from master.apiserver.egress.failures import Unconnected
from master.apiserver.egress.kubelet.pod_connection import PodConnection
from master.apiserver.egress.kubelets import Kubelets
from podlab.errors import ApiError

MOST = 1024
READ_BYTES = 64 * 1024
# When one side has said its last, the other has so long to say the rest.
LINGER_S = 10.0

log = logging.getLogger(__name__)


class Tunnels:
    """Lives in the event loop, until `close`."""

    def __init__(self, kubelets: Kubelets, *, most: int = MOST, linger_s: float = LINGER_S) -> None:
        self._kubelets = kubelets
        self._most = most
        self._linger_s = linger_s
        self._carrying: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """How many are open."""
        return len(self._carrying)

    async def open(self, to: PodPort) -> socket.socket:
        """A connected socket, which is the caller's to close. Raises Unconnected, also when too many are open."""
        if len(self._carrying) >= self._most:
            raise Unconnected(f"there are {self._most} connections to pods, and no more are made")
        try:
            connection = await self._kubelets.connect(to)
        except ApiError as error:
            raise Unconnected(error.message) from error
        theirs, ours = socket.socketpair()
        for end in (theirs, ours):
            end.setblocking(False)
        task = asyncio.create_task(self._carry(to, connection, ours))
        self._carrying.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            # Not the task's own last step: one that is cancelled before it has begun takes none.
            self._carrying.discard(task)
            connection.duplex.cancel()
            ours.close()

        task.add_done_callback(ended)
        return theirs

    async def close(self) -> None:
        """Cut all of them."""
        tasks = list(self._carrying)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # those that are cut off have nothing to tell

    async def _carry(self, to: PodPort, connection: PodConnection, ours: socket.socket) -> None:
        """Until both sides have said their last, or one of them is gone."""
        upwards = asyncio.create_task(_upwards(ours, connection))
        downwards = asyncio.create_task(_downwards(connection, ours))
        try:
            await asyncio.wait((upwards, downwards), return_when=asyncio.FIRST_COMPLETED)
            _, running = await asyncio.wait((upwards, downwards), timeout=self._linger_s)
            for side in (upwards, downwards):
                if side not in running and (error := side.exception()) is not None:
                    log.info("a connection to port %d of pod %s ends: %s", to.port, to.host, error)
        finally:
            upwards.cancel()
            downwards.cancel()
            await asyncio.gather(upwards, downwards, return_exceptions=True)  # what they met has been told above


async def _upwards(ours: socket.socket, connection: PodConnection) -> None:
    """From the caller to the pod. Raises ConnectionError when the caller is gone."""
    loop = asyncio.get_running_loop()
    while content := await loop.sock_recv(ours, READ_BYTES):
        await connection.write(content)
    await connection.end()


async def _downwards(connection: PodConnection, ours: socket.socket) -> None:
    """From the pod to the caller. Raises what ends the connection."""
    loop = asyncio.get_running_loop()
    try:
        async with contextlib.aclosing(connection.pieces()) as pieces:
            async for content in pieces:
                await loop.sock_sendall(ours, content)
    except ApiError as error:
        raise ConnectionError(error.message) from error
    finally:
        with contextlib.suppress(OSError):  # the caller may be gone
            ours.shutdown(socket.SHUT_WR)
