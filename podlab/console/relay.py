"""Carries requests to clusters' REST APIs and answers back as they come, watches and WebSockets among them."""

from __future__ import annotations

import asyncio
import ssl
from types import TracebackType

import aiohttp
from aiohttp import hdrs, web
from yarl import URL

from podlab import __version__
from podlab.console.answers import refusal
from podlab.console.upstream import Upstream, UpstreamError

_SENT = (hdrs.ACCEPT, hdrs.CONTENT_TYPE, hdrs.IF_MATCH, hdrs.IF_NONE_MATCH)
_ANSWERED = (hdrs.CONTENT_TYPE, hdrs.CONTENT_LENGTH, hdrs.ETAG, hdrs.RETRY_AFTER, hdrs.WARNING, "Audit-Id")
_CONNECTED_WITHIN_S = 10.0
_NEVER_SENT = frozenset({1005, 1006, 1015})
"""Codes that say what happened and never stand in a frame (RFC 6455, 7.4.1)."""

Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


class Relay:
    """One pool of connections for each cluster as it is described now; `async with` closes them all."""

    def __init__(self) -> None:
        self._sessions: dict[Upstream, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Relay:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(session.close() for session in self._sessions.values()))

    async def carry(self, request: web.Request, upstream: Upstream, rest: str) -> web.StreamResponse:
        """The cluster's answer to the request; `rest` is what follows the cluster's own address, query included."""
        url = URL(f"{upstream.server}{rest}", encoded=True)
        try:
            session = await self._session(upstream)
            if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
                return await _carry_streams(request, session, url)
            return await _carry_answer(request, session, url)
        except UpstreamError as error:
            return refusal(503, "ServiceUnavailable", str(error))
        except (aiohttp.ClientError, TimeoutError) as error:
            return refusal(503, "ServiceUnavailable", f"{upstream.server} cannot be reached: {error or 'no answer'}")

    async def _session(self, upstream: Upstream) -> aiohttp.ClientSession:
        """Certificates are renewed while the console runs: a cluster that is described otherwise has other connections.

        Those that are open go on under what they began with.
        """
        if (known := self._sessions.get(upstream)) is not None:
            return known
        tls: ssl.SSLContext = await asyncio.to_thread(upstream.tls)
        if upstream not in self._sessions:  # others may have asked meanwhile
            self._sessions[upstream] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=tls, limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECTED_WITHIN_S),
                headers={**upstream.authorization(), hdrs.USER_AGENT: f"podlab-console/{__version__}"},
                skip_auto_headers=(hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._sessions[upstream]


async def _carry_answer(request: web.Request, session: aiohttp.ClientSession, url: URL) -> web.StreamResponse:
    headers = {name: request.headers[name] for name in _SENT if name in request.headers}
    body = request.content if request.can_read_body else None
    async with session.request(request.method, url, headers=headers, data=body, allow_redirects=False) as given:
        answer = web.StreamResponse(status=given.status, reason=given.reason)
        for name in _ANSWERED:
            for value in given.headers.getall(name, ()):
                answer.headers.add(name, value)
        answer.headers[hdrs.CACHE_CONTROL] = "no-store"
        await answer.prepare(request)
        async for chunk in given.content.iter_any():
            await answer.write(chunk)
        await answer.write_eof()
        return answer


async def _carry_streams(request: web.Request, session: aiohttp.ClientSession, url: URL) -> web.StreamResponse:
    """The cluster is asked first: it chooses the protocol, and a refusal is passed on as one."""
    offered = [each.strip() for each in request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(",") if each.strip()]
    try:
        far = await session.ws_connect(url, protocols=offered, max_msg_size=0, autoclose=False)
    except aiohttp.WSServerHandshakeError as error:
        return refusal(error.status, "Unknown", f"the cluster refused the stream: {error.message}")
    async with far:
        near = web.WebSocketResponse(protocols=[far.protocol] if far.protocol else (), max_msg_size=0)
        await near.prepare(request)
        inwards = asyncio.create_task(_copy(near, far))
        outwards = asyncio.create_task(_copy(far, near))
        try:
            await asyncio.wait((inwards, outwards), return_when=asyncio.FIRST_COMPLETED)
        finally:
            inwards.cancel()
            outwards.cancel()
            await asyncio.gather(inwards, outwards, return_exceptions=True)
        return near


async def _copy(source: Socket, target: Socket) -> None:
    """Until the source closes; then the target is closed with the same words."""
    async for message in source:
        if message.type is aiohttp.WSMsgType.BINARY:
            await target.send_bytes(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT:
            await target.send_str(message.data)
    code = source.close_code or aiohttp.WSCloseCode.OK
    await target.close(code=code if code not in _NEVER_SENT else aiohttp.WSCloseCode.GOING_AWAY)
