"""The listener: TLS with optional client certificates, HTTP/1.1, and no room for connections that only sit there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import SERVER_SOFTWARE, RawRequestMessage
from aiohttp.streams import StreamReader

from master.apiserver.egress.keepalive import keep_alive
from master.apiserver.rest.api import Api
from master.apiserver.rest.connections import FIRST_LIMIT_S, IDLE_LIMIT_S, ConnectionLimits
from podlab.renewed import Renewed
from podlab.tls import Tls

BACKLOG = 1024
SWEPT_EVERY_S = 1.0
# Of TLS 1.2; those of 1.3 are all of this kind.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
# When there are no more file descriptors, waiting helps and trying at once does not.
_ACCEPT_AGAIN_S = 0.1

# aiohttp writes a traceback for each client that does not speak HTTP. Our own errors are logged where they are told.
_unheard = logging.getLogger(f"{__name__}.http")
_unheard.setLevel(logging.CRITICAL)
log = logging.getLogger(__name__)
# What calls in flight have to end when the server stops.
STOP_GRACE_S = 1.0


class AcceptedConnection:
    """One connection, from the moment in which it was accepted."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.greeting: asyncio.Task[None] | None = None
        self.transport: asyncio.Transport | None = None

    def turn_away(self) -> None:
        """Cut the connection, whatever is still to be sent."""
        if self.transport is not None:
            with contextlib.suppress(AttributeError):  # Python 3.11 raises it where both sides have closed already
                self.transport.abort()
        elif self.greeting is not None:
            self.greeting.cancel()


class _Request(web.BaseRequest):
    """One whose answers do not tell with what they were made, as Kubernetes' do not."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        """aiohttp calls it when the headers are complete. A server's own that was asked for this one stays."""
        if response.headers.get(hdrs.SERVER) == SERVER_SOFTWARE:
            del response.headers[hdrs.SERVER]


class Listener(web.Server):
    """Answers on a socket, and watches over who stays. `serve` runs for ever."""

    def __init__(
        self,
        api: Api,
        tls: Callable[[], ssl.SSLContext],
        limits: ConnectionLimits[AcceptedConnection],
        swept_every_s: float,
    ) -> None:
        # A client that goes ends its watch at once, rather than at the next write. Bodies are read as they are sent.
        super().__init__(
            self._answer,
            handler_cancellation=True,
            keepalive_timeout=IDLE_LIMIT_S,
            access_log=None,
            logger=_unheard,
            request_factory=self._request,
            auto_decompress=False,
        )
        self._api = api
        self._tls = tls
        self._limits = limits
        self._swept_every_s = swept_every_s
        self._visitors: dict[web.RequestHandler, AcceptedConnection] = {}
        # Whose first request came with the last of TLS, before we knew them; whether it is still being answered.
        self._early: dict[web.RequestHandler, bool] = {}

    @staticmethod
    def _request(
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        return _Request(message, payload, protocol, writer, task, asyncio.get_running_loop())

    async def serve(self, listening: socket.socket) -> None:
        """Accept connections, and close those that are silent for too long."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sweep())
            loop = asyncio.get_running_loop()
            while True:
                try:
                    connection, address = await loop.sock_accept(listening)
                except OSError as error:
                    log.error("no connection can be accepted: %s", error.strerror or error)
                    await asyncio.sleep(_ACCEPT_AGAIN_S)
                    continue
                with contextlib.suppress(OSError):  # who has hung up already is found out as everybody who does
                    keep_alive(connection)
                visitor = AcceptedConnection(connection)
                visitor.greeting = group.create_task(self._greet(visitor))
                if (leaving := self._limits.arrive(visitor, address[0], loop.time())) is not None:
                    leaving.turn_away()

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """aiohttp tells that a connection is gone."""
        super().connection_lost(handler, exc)
        self._early.pop(handler, None)
        if (visitor := self._visitors.pop(handler, None)) is not None:
            self._limits.leave(visitor)

    async def _greet(self, visitor: AcceptedConnection) -> None:
        """TLS."""
        try:
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                self, visitor.connection, ssl=self._tls(), ssl_handshake_timeout=FIRST_LIMIT_S
            )
        except (OSError, TimeoutError):  # ssl.SSLError is an OSError: whoever does not speak TLS is nobody
            self._limits.leave(visitor)
            return
        except asyncio.CancelledError:
            visitor.connection.close()
            raise
        if transport.is_closing():
            self._limits.leave(visitor)
            return
        visitor.transport = transport
        # What the loop returns beside the transport is ours with asyncio, and TLS's own with uvloop.
        handler = transport.get_protocol()
        assert isinstance(handler, web.RequestHandler)
        self._visitors[handler] = visitor
        if (asking := self._early.pop(handler, None)) is not None:
            self._limits.speaks(visitor)
            if not asking:
                self._limits.rests(visitor, asyncio.get_running_loop().time())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._swept_every_s)
            for visitor in self._limits.overdue(asyncio.get_running_loop().time()):
                visitor.turn_away()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        handler = request.protocol
        if (visitor := self._visitors.get(handler)) is not None:
            self._limits.speaks(visitor)
        elif request.transport is not None:
            self._early[handler] = True
        try:
            return await self._api.answer(request)
        finally:
            if (visitor := self._visitors.get(handler)) is not None:
                self._limits.rests(visitor, asyncio.get_running_loop().time())
            elif handler in self._early:
                self._early[handler] = False


@asynccontextmanager
async def listening(
    api: Api,
    tls: Tls,
    address: str,
    port: int,
    *,
    front_proxy: Path | None = None,
    limits: ConnectionLimits[AcceptedConnection] | None = None,
    swept_every_s: float = SWEPT_EVERY_S,
) -> AsyncIterator[None]:
    """The API answers on the port while the block runs. Raises RuntimeError when it is taken, OSError without files.

    Callers may show certificates of the authority in `front_proxy` as well. Files that change are read again for the
    connections that come then.

    Connections that have been silent for too long are looked for every `swept_every_s` seconds.
    """
    bounds: ConnectionLimits[AcceptedConnection] = limits if limits is not None else ConnectionLimits()
    paths = [path for path in (tls.ca, tls.client_ca, tls.cert, tls.key, front_proxy) if path is not None]
    server = Listener(api, Renewed(lambda: context(tls, front_proxy), paths), bounds, swept_every_s)
    with _bound(address, port) as bound:
        serving = asyncio.create_task(server.serve(bound))
        try:
            yield
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            transports = [connection.transport for connection in server.connections]
            server.pre_shutdown()
            await server.shutdown(STOP_GRACE_S)
            for transport in transports:  # who does not say goodbye in TLS is not waited for
                if transport is not None:
                    with contextlib.suppress(AttributeError):  # as above
                        transport.abort()
            await asyncio.sleep(0)


def _bound(address: str, port: int) -> socket.socket:
    try:
        made = socket.create_server((address, port), backlog=BACKLOG)
    except OSError as error:
        raise RuntimeError(
            f"cannot listen on {address}:{port}: {error.strerror or error}; `ss -ltnp` shows who holds the port"
        ) from error
    made.setblocking(False)
    return made


def context(tls: Tls, front_proxy: Path | None = None) -> ssl.SSLContext:
    """TLS 1.2 or newer; a client may show a certificate of the cluster's authorities or of the front proxy's, and no
    other."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(CIPHERS)
    made.load_cert_chain(tls.cert, tls.key)
    made.load_verify_locations(cadata=tls.client_authorities().decode())
    if front_proxy is not None:
        made.load_verify_locations(front_proxy)
    made.verify_mode = ssl.CERT_OPTIONAL
    return made
