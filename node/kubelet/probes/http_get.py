"""One HTTP GET to a container, as Kubernetes' probes and hooks make it: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/

Redirects are followed on the host that was asked. Certificates are not verified: pods' addresses are in none.
"""

from __future__ import annotations

import asyncio
import functools
import os
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urldefrag, urljoin, urlsplit

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from podlab.core.v1 import pod_pb2

MAX_BODY = 10 * 1024
MAX_REDIRECTS = 10
# Of Go's client, whose bound on headers is far above aiohttp's.
MAX_HEADER = 1024 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
# What Go leaves as it is in a path, and in a query.
_PATH_SAFE, _QUERY_SAFE = "%/!$&'()*+,;=:@[]", "%/!$&'()*+,;=:@[]?\"<>\\^`{|}"


class HttpGetError(Exception):
    """There is no response. The message says why in the words of Go, as Kubernetes' Events have them."""


class NotTls(HttpGetError):
    """The server speaks HTTP where HTTPS was asked for."""


@dataclass(frozen=True)
class HttpResponse:
    """The last response: its code, and the beginning of its body."""

    code: int
    body: str


def url_of(scheme: str, host: str, port: int, path: str) -> str:
    """As Go reads it: the fragment is left out, the path escaped where it has to be."""
    address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    if _BAD_ESCAPE.search(path):  # it is no URL, so all of it is a path
        return f"{address}{_rooted(quote(path, safe=_PATH_SAFE.replace('%', '')))}"
    path, _ = urldefrag(path)
    path, mark, query = path.partition("?")
    return f"{address}{_rooted(quote(path, safe=_PATH_SAFE))}{mark}{quote(query, safe=_QUERY_SAFE)}"


async def get(url: str, action: pod_pb2.HTTPGetAction, *, agent: str, timeout_s: float | None) -> HttpResponse:
    """Raises HttpGetError. Interim responses (1xx) are skipped; a redirect to another host is the last response."""
    connector = aiohttp.TCPConnector(ssl=_unverified(), force_close=True, use_dns_cache=False)
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        auto_decompress=False,
        skip_auto_headers=("Accept-Encoding", "Accept", "User-Agent"),
        max_line_size=MAX_HEADER,
        max_field_size=MAX_HEADER,
    )
    try:
        async with asyncio.timeout(timeout_s), session:
            return await _follow(session, url, _headers(action, agent))
    except TimeoutError as error:
        raise HttpGetError("context deadline exceeded (Client.Timeout exceeded while awaiting headers)") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _failure(error) from error


async def _follow(session: aiohttp.ClientSession, url: str, headers: CIMultiDict[str]) -> HttpResponse:
    first = urlsplit(url).hostname
    for _ in range(MAX_REDIRECTS):
        target = URL(url, encoded=True)
        async with session.get(target, headers=headers, allow_redirects=False) as response:
            body = await _body(response)
            location = response.headers.get("Location", "")
            if response.status not in _REDIRECTS or not location:
                return HttpResponse(response.status, body)
        following, _ = urldefrag(urljoin(url, location))
        if urlsplit(following).hostname != first:
            return HttpResponse(response.status, body)
        if urlsplit(location).netloc:  # a Host header is kept for relative redirects only
            headers.popall("Host", None)
        url = following
    raise HttpGetError(f"stopped after {MAX_REDIRECTS} redirects")


async def _body(response: aiohttp.ClientResponse) -> str:
    read = bytearray()
    while len(read) < MAX_BODY and (chunk := await response.content.read(MAX_BODY - len(read))):
        read += chunk
    return read.decode(errors="replace")


def _headers(action: pod_pb2.HTTPGetAction, agent: str) -> CIMultiDict[str]:
    """The action's headers, repeated ones too. An empty Accept or User-Agent means none."""
    headers: CIMultiDict[str] = CIMultiDict()
    for header in action.httpHeaders:
        name = "-".join(part.capitalize() for part in header.name.split("-"))  # as Go writes them
        if name == "Host":
            headers[name] = header.value
        else:
            headers.add(name, header.value)
    defaults: Mapping[str, str] = {"Accept": "*/*", "User-Agent": agent}
    for name, value in defaults.items():
        if headers.get(name) == "":
            headers.popall(name)
        else:
            headers.setdefault(name, value)
    return headers


@functools.cache
def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _failure(error: Exception) -> HttpGetError:
    match error:
        case aiohttp.ClientConnectorError(os_error=ssl.SSLError() as cause):
            return _tls_failure(cause)
        case aiohttp.ClientConnectorError(host=host, os_error=socket.gaierror() as cause):
            return HttpGetError(f"dial tcp: lookup {host}: {cause.strerror}")
        case aiohttp.ClientConnectorError(host=host, port=port, os_error=cause):
            why = os.strerror(cause.errno).lower() if cause.errno else str(cause)
            return HttpGetError(f"dial tcp {host}:{port}: connect: {why}")
        case aiohttp.ServerDisconnectedError():
            return HttpGetError("EOF")
        case aiohttp.ClientResponseError():
            return HttpGetError(f"malformed HTTP response: {' '.join(error.message.split())}")
        case _:
            return HttpGetError(str(error) or type(error).__name__)


def _tls_failure(error: ssl.SSLError) -> HttpGetError:
    if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
        return NotTls("http: server gave HTTP response to HTTPS client")
    return HttpGetError(f"tls: {error.reason or error}")


def _rooted(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"
