"""A gRPC server on a socket of the node, which other programs of the node look for at a fixed place."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import grpc

log = logging.getLogger(__name__)

RETRY_S = 10.0


async def run(socket: Path, add_services: Callable[[grpc.aio.Server], None]) -> None:
    """Serves until cancelled. The socket is made anew, so that who watches it learns of a restart."""
    while True:
        server = grpc.aio.server()
        add_services(server)
        try:
            await asyncio.to_thread(_make_room, socket)
            server.add_insecure_port(f"unix:{socket}")
            await server.start()
            await server.wait_for_termination()
        except (OSError, RuntimeError) as error:
            log.error("%s cannot be served: %s; again in %.0f s", socket, error, RETRY_S)
            await asyncio.sleep(RETRY_S)
        finally:
            # Even while start() is awaited the server answers already: who is cancelled there leaves it running.
            await server.stop(0)


def _make_room(socket: Path) -> None:
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    socket.unlink(missing_ok=True)
