"""Asks another API server whether it is ready."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from master.apiserver.app.cutoff.cutoff import Neighbour
from podlab.client.servers import NAME

_CONNECTED_S, _ANSWERED_S = 2.0, 3.0
_REQUEST = f"GET /readyz HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode()
_READY = b" 200 "


async def ask(ca: Path, address: str) -> Neighbour:
    """`address` is host:port of its REST API. It has to prove the name that API servers have."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(_CONNECTED_S):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except ConnectionRefusedError:  # its host is there
        return Neighbour.NOT_READY
    except OSError:  # TimeoutError is one
        return Neighbour.AWAY
    try:
        async with asyncio.timeout(_ANSWERED_S):
            await writer.start_tls(ssl.create_default_context(cafile=str(ca)), server_hostname=NAME)
            writer.write(_REQUEST)
            status = await reader.readline()
    except OSError:  # those of TLS, too
        return Neighbour.NOT_READY
    finally:
        writer.transport.abort()
    return Neighbour.READY if _READY in status else Neighbour.NOT_READY
