"""The listener: TLS with optional client certificates, HTTP/1.1."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from master.apiserver.rest.api import Api
from podlab.tls import Tls

HANDSHAKE_LIMIT_S = 10.0
IDLE_LIMIT_S = 90.0
BACKLOG = 1024

# aiohttp writes a traceback for each client that does not speak HTTP. Our own errors are logged where they are told.
_unheard = logging.getLogger(f"{__name__}.http")
_unheard.setLevel(logging.CRITICAL)
# What calls in flight have to end when the server stops.
STOP_GRACE_S = 1.0


@asynccontextmanager
async def listening(api: Api, tls: Tls, address: str, port: int) -> AsyncIterator[None]:
    """The API answers on the port while the block runs. Raises RuntimeError when it is taken, OSError without files."""
    # A client that goes ends its watch at once, rather than at the next write.
    server = web.Server(
        api.answer, handler_cancellation=True, keepalive_timeout=IDLE_LIMIT_S, access_log=None, logger=_unheard
    )
    try:
        listener = await asyncio.get_running_loop().create_server(
            server, address, port, ssl=context(tls), ssl_handshake_timeout=HANDSHAKE_LIMIT_S, backlog=BACKLOG
        )
    except OSError as error:
        raise RuntimeError(
            f"cannot listen on {address}:{port}: {error.strerror or error}; `ss -ltnp` shows who holds the port"
        ) from error
    try:
        yield
    finally:
        listener.close()
        transports = [connection.transport for connection in server.connections]
        server.pre_shutdown()
        await server.shutdown(STOP_GRACE_S)
        for transport in transports:  # who does not say goodbye in TLS is not waited for
            if transport is not None:
                with contextlib.suppress(AttributeError):  # Python 3.11 raises it where both sides have closed already
                    transport.abort()
        await asyncio.sleep(0)


def context(tls: Tls) -> ssl.SSLContext:
    """TLS 1.2 or newer; a client may show a certificate of the cluster's CA, and no other."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(tls.cert, tls.key)
    made.load_verify_locations(tls.ca)
    made.verify_mode = ssl.CERT_OPTIONAL
    return made
