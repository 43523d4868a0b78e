"""The one HTTP client of the API server: webhooks, conversions, aggregated APIs and proxies send their requests by it.

HTTP/1.1, over TCP to URLs and addresses, over tunnels to pods. Proxies of the environment are not asked, redirects are
not followed, bodies are not unpacked, and of cookies nothing is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

from master.apiserver.egress import upgrades, ways
from master.apiserver.egress.connector import HostConnector, PodConnector
from master.apiserver.egress.destinations import SYSTEM, Destination, ServiceReference, Trust
from master.apiserver.egress.failures import DEADLINE, Unanswered, Unconnected, failure
from master.apiserver.egress.figures import DIRECT, TUNNEL, Figures
from master.apiserver.egress.resolver import Resolver
from master.apiserver.egress.trust_store import TrustStore
from master.apiserver.egress.tunnels import Tunnels
from master.apiserver.egress.upgrades import Upgraded
from master.apiserver.egress.ways import Way
from podlab.errors import ApiError, ServiceUnavailable, Timeout

# Of a Service's endpoints, so many are tried when no connection is to be had.
MOST_TRIED = 3
CONNECT_LIMIT_S = 15.0
ANSWER_BYTES = 3 << 20
HEAD_BYTES = 64 << 10
# aiohttp would say them for itself.
_NOT_SAID = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """What is asked. The path is taken as it is, with its query; after a URL it is appended to the URL's own.

    `timeout_s` bounds all of it, from the connection to the last byte of the answer; None is for streams.
    """

    method: str
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=CIMultiDict)
    body: bytes | AsyncIterable[bytes] | None = None
    trust: Trust = SYSTEM
    scheme: str = "https"
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """What was answered, all of it."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


class EgressClient:
    """Lives in the event loop, until `close`."""

    def __init__(self, resolver: Resolver, tunnels: Tunnels) -> None:
        self._resolver = resolver
        self._tunnels = tunnels
        self._trusted = TrustStore()
        self._pods: aiohttp.ClientSession | None = None
        self._hosts: aiohttp.ClientSession | None = None
        self.figures = Figures(lambda: len(tunnels))

    async def call(self, to: Destination, request: OutgoingRequest, *, most_bytes: int = ANSWER_BYTES) -> WholeAnswer:
        """Ask, and read the whole answer. Whoever is asked must bear to be asked twice: when a connection is closed
        before anything has been answered, it is tried on another one, once.

        Raises ApiError, whose message begins with method and URL as Go's does: ServiceUnavailable for an answer of more
        than `most_bytes`, and else as `request`.
        """
        try:
            async with asyncio.timeout(request.timeout_s):
                try:
                    return await self._whole(to, request, most_bytes)
                except Unanswered:
                    return await self._whole(to, request, most_bytes)
        except (ApiError, TimeoutError) as error:
            told = error if isinstance(error, ApiError) else Timeout(DEADLINE)
            place = ways.shown(to, request.scheme, request.path)
            raise type(told)(f'{request.method.capitalize()} "{place}": {told.message}') from error

    async def _whole(self, to: Destination, request: OutgoingRequest, most_bytes: int) -> WholeAnswer:
        async with self.request(to, request) as response:
            content = bytearray()
            async for piece in response.content.iter_any():
                content += piece
                if len(content) > most_bytes:
                    raise ServiceUnavailable(f"the answer has more than {most_bytes} bytes")
            return WholeAnswer(response.status, response.headers, bytes(content))

    @asynccontextmanager
    async def request(self, to: Destination, request: OutgoingRequest) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask; the block begins with the answer's head, and reads its body as it comes.

        Raises NotFound without such a Service or pod, Timeout, and ServiceUnavailable when there is no endpoint, no
        connection, or no answer. So does the block, when the body breaks off.
        """
        response = await self._first_of(self._ways(to, request), lambda way: self._ask(way, request))
        try:
            yield response
        except aiohttp.ClientError as error:
            raise failure(error, ways.shown(to, request.scheme, "")) from error
        finally:
            response.close()  # what has been read to its end has given its connection back by then

    @asynccontextmanager
    async def upgraded(self, to: Destination, request: OutgoingRequest) -> AsyncIterator[Upgraded]:
        """Ask for an upgrade of a connection, which ends with the block. Its headers say to what.

        The answer may be that there is none. Raises as `request`; the time is that of the answer's head.
        """
        made = await self._first_of(self._ways(to, request), lambda way: self._ask_to_upgrade(way, request))
        try:
            yield made
        finally:
            await upgrades.closed(made.writer)

    async def close(self) -> None:
        """Close all connections."""
        for session in (self._pods, self._hosts):
            if session is not None:
                await session.close()
        self._pods = self._hosts = None
        await self._tunnels.close()

    def _ways(self, to: Destination, request: OutgoingRequest) -> list[Way]:
        if isinstance(to, str):
            return [ways.to_url(to, request.path)]
        if not isinstance(to, ServiceReference):
            return [ways.to_backend(to, request.scheme, request.path)]
        backends = self._resolver.backends(to)[:MOST_TRIED]
        return [ways.to_backend(backend, request.scheme, request.path, service=to) for backend in backends]

    async def _first_of(self, among: list[Way], ask: Callable[[Way], Awaitable[Found]]) -> Found:
        """What the first of them answers. Who cannot be connected to is passed over."""
        *others, last = among
        for way in others:
            with contextlib.suppress(Unconnected):
                return await ask(way)
        return await ask(last)

    async def _ask(self, way: Way, request: OutgoingRequest) -> aiohttp.ClientResponse:
        tls = self._tls(way, request)
        try:
            return await self._session(way).request(
                request.method,
                way.url,
                headers=_headers(way, request),
                data=request.body,
                ssl=True if tls is None else tls,
                server_hostname=None if tls is None else request.trust.server_name or way.server_name,
                timeout=aiohttp.ClientTimeout(total=request.timeout_s, sock_connect=CONNECT_LIMIT_S),
                allow_redirects=False,
            )
        except (aiohttp.ClientError, OSError) as error:
            raise failure(error, way.place) from error

    async def _ask_to_upgrade(self, way: Way, request: OutgoingRequest) -> Upgraded:
        tls, name = self._tls(way, request), request.trust.server_name or way.server_name
        try:
            async with asyncio.timeout(request.timeout_s):
                with self.figures.dialing(DIRECT if way.pod is None else TUNNEL):
                    reader, writer = await upgrades.connect(way, self._tunnels, tls, name)
                try:
                    target, headers = str(way.url.relative()), _headers(way, request)
                    return await upgrades.ask(reader, writer, request.method, target, headers)
                except BaseException:
                    await upgrades.closed(writer)
                    raise
        except (EOFError, OSError) as error:
            raise failure(error, way.place) from error

    def _tls(self, way: Way, request: OutgoingRequest) -> ssl.SSLContext | None:
        return self._trusted.context(request.trust) if way.url.scheme == "https" else None

    def _session(self, way: Way) -> aiohttp.ClientSession:
        """Made when it is first used, in the event loop that uses it."""
        if way.pod is None:
            if self._hosts is None:
                self._hosts = _session(HostConnector(self.figures))
            return self._hosts
        if self._pods is None:
            self._pods = _session(PodConnector(self._tunnels, self.figures))
        return self._pods


def _headers(way: Way, request: OutgoingRequest) -> CIMultiDict[str]:
    headers = CIMultiDict(request.headers)
    headers.setdefault("Host", way.host)
    return headers


def _session(connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=_NOT_SAID,
        auto_decompress=False,
        trust_env=False,
        max_line_size=HEAD_BYTES,
        max_field_size=HEAD_BYTES,
    )
