"""The kubelet's HTTPS endpoint: Kubernetes' paths and port, for agents that ask nodes themselves, as Prometheus and
metrics-server do. Nobody is answered without a certificate of the cluster's authorities or a bearer token."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from http import HTTPStatus

from aiohttp import hdrs, web

from node.kubelet.cri.runtime import RuntimeFailure
from node.kubelet.server.documents import Documents
from node.kubelet.server.https import access
from node.kubelet.server.https.access import User
from node.kubelet.server.https.reviews import Reviews
from podlab.client.connection import LOOKED_AT_EVERY_S
from podlab.errors import ApiError
from podlab.tls import Tls

BACKLOG = 128
_IDLE_S = 90.0
_STOP_GRACE_S = 1.0
_READ = ("GET", "HEAD")
_BEARER = "bearer "
# aiohttp writes a traceback for each client that does not speak HTTP.
_unheard = logging.getLogger(f"{__name__}.http")
_unheard.setLevel(logging.CRITICAL)
log = logging.getLogger(__name__)


class HttpsServer:
    """Serves what `documents` has. `run` for ever."""

    def __init__(self, documents: Documents, reviews: Reviews, tls: Tls) -> None:
        self._documents = documents
        self._reviews = reviews
        self._tls = tls

    async def run(self, listening: socket.socket, look_s: float = LOOKED_AT_EVERY_S) -> None:
        """Renewed certificates and authorities are in force for new connections. Raises OSError, ValueError."""
        server = web.Server(self._answer, access_log=None, logger=_unheard, keepalive_timeout=_IDLE_S)
        runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=_STOP_GRACE_S)
        renewed = self._tls.renewed()
        await runner.setup()
        try:
            loaded = renewed()
            site = await _begin(runner, listening, self._tls)
            while True:
                await asyncio.sleep(look_s)
                if (now := renewed()) is not loaded:
                    loaded, before = now, site
                    site = await _begin(runner, listening, self._tls)
                    await before.stop()
        finally:
            await runner.cleanup()
            listening.close()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            user = await self._user(request)
        except ApiError as error:
            log.warning("a caller at %s cannot be authenticated: %s", request.path, error)
            user = None
        if user is None:
            return _told(HTTPStatus.UNAUTHORIZED, "Unauthorized")
        wanted = access.wanted(request.method, request.path)
        try:
            allowed = await self._allowed(user, wanted)
        except ApiError as error:
            log.warning("what %s may cannot be asked: %s", user.name, error)
            where = f"verb={wanted.verb}, resource=nodes, subresource(s)=[{' '.join(wanted.subresources)}]"
            return _told(HTTPStatus.INTERNAL_SERVER_ERROR, f"Authorization error (user={user.name}, {where})")
        if not allowed:
            return _told(HTTPStatus.FORBIDDEN, access.forbidden(user, wanted))
        return await self._document(request)

    async def _document(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.strip("/") in self._documents.paths and request.method not in _READ:
            return _told(HTTPStatus.METHOD_NOT_ALLOWED, "405: Method Not Allowed")
        try:
            found = await self._documents.read(request.path)
        except (RuntimeFailure, OSError) as error:
            log.warning("%s cannot be answered: %s", request.path, error)
            return _told(HTTPStatus.INTERNAL_SERVER_ERROR, f"{request.path} cannot be answered: {error}\n")
        if found is None:
            return _told(HTTPStatus.NOT_FOUND, "404 page not found\n")
        return web.Response(body=found.body, headers={hdrs.CONTENT_TYPE: found.content_type})

    async def _user(self, request: web.BaseRequest) -> User | None:
        """By certificate, or by token. Raises ApiError."""
        encrypted = request.get_extra_info("ssl_object")
        shown = encrypted.getpeercert() if encrypted is not None else None
        if shown and (user := access.of_certificate(shown.get("subject", ()))) is not None:
            return user
        given = request.headers.get(hdrs.AUTHORIZATION, "")
        token = given[len(_BEARER) :].strip() if given.lower().startswith(_BEARER) else ""
        return await self._reviews.user(token) if token else None

    async def _allowed(self, user: User, wanted: access.Access) -> bool:
        """Raises ApiError."""
        if not wanted.verb:
            return False
        for subresource in wanted.subresources:
            if await self._reviews.may(user, wanted.verb, subresource):
                return True
        return False


def listen(address: str, port: int) -> socket.socket:
    """At the address; at 0.0.0.0 on all of the host's, of both families. Raises RuntimeError when the port is taken."""
    everywhere = address in ("0.0.0.0", "::") and socket.has_dualstack_ipv6()  # noqa: S104 - what the settings say
    family = socket.AF_INET6 if everywhere or ":" in address else socket.AF_INET
    at = ("::" if everywhere else address, port)
    try:
        made = socket.create_server(at, family=family, backlog=BACKLOG, dualstack_ipv6=everywhere)
    except OSError as error:
        remedy = "`ss -ltnp` shows who holds the port"
        raise RuntimeError(f"cannot listen on {address}:{port}: {error.strerror or error}; {remedy}") from error
    made.setblocking(False)
    return made


async def _begin(runner: web.ServerRunner, listening: socket.socket, tls: Tls) -> web.SockSite:
    """Accepts connections, each with what the files hold now; the socket itself stays for the next one."""
    context = _context(tls)
    site = web.SockSite(runner, listening.dup(), ssl_context=context, backlog=BACKLOG)
    await site.start()
    return site


def _context(tls: Tls) -> ssl.SSLContext:
    """TLS 1.2 or newer; a client may show a certificate of the cluster's authorities, and no other."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(tls.cert, tls.key)
    made.load_verify_locations(cadata=tls.client_authorities().decode())
    made.verify_mode = ssl.CERT_OPTIONAL
    return made


def _told(status: HTTPStatus, text: str) -> web.Response:
    return web.Response(status=status, text=text)
