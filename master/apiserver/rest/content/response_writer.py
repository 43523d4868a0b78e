"""Sends answers: as YAML to those who would rather have that, compressed when they are large and the client asked, and
only to clients that take them."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass
from typing import TypeGuard

import orjson
from aiohttp import web

from master.apiserver.request.info import Exchange, new_id
from master.apiserver.request.write_limit import WRITE_LIMIT_S
from master.apiserver.rest.content import negotiation, protobuf_answers, responses
from podlab.api.kinds import Kind
from podlab.api.serializer import manifest
from podlab.errors import NotAcceptable

AUDIT_ID = "Audit-ID"
FLOW_SCHEMA, PRIORITY_LEVEL = "X-Kubernetes-PF-FlowSchema-UID", "X-Kubernetes-PF-PriorityLevel-UID"
# As kube-apiserver: what is smaller travels faster as it is.
COMPRESSED_BYTES = 128 << 10
YAML_BYTES = 4 << 20
# What is made as JSON and read as protobuf is small.
SMALL_BYTES = 1 << 20
_FASTEST = 1
# An answer that the transport takes into its buffer whole, with its head: whoever sends it never waits for the client.
_NEVER_WAITS_BYTES = 16 << 10
_ID_CHARS = 64
_KNOWN_AS = web.RequestKey("known_as", str)
_FLOW = web.RequestKey("flow", tuple[str, str])


@dataclass(frozen=True, slots=True)
class WriteLimits:
    """How long a client may take for an answer: `limit_s`, and as long as its size takes at `bytes_per_s`."""

    limit_s: float = WRITE_LIMIT_S
    bytes_per_s: int = 128 << 10

    def of(self, size_bytes: int) -> float:
        """In seconds."""
        return self.limit_s + size_bytes / self.bytes_per_s


def note_flow(request: web.BaseRequest, exchange: Exchange) -> None:
    """Let the answer say by which FlowSchema and priority level the request had its turn."""
    request[_FLOW] = exchange.flow_schema, exchange.priority_level


async def deliver(request: web.BaseRequest, response: web.StreamResponse, limits: WriteLimits) -> None:
    """The whole answer is on its way when this returns; the connection of a client that does not take it is cut."""
    if _is_whole(response) and negotiation.prefers_yaml(request.headers.get("Accept", "")) and json(response):
        response = await _as_yaml(response)
    if (
        negotiation.prefers_protobuf(request.headers.get("Accept", ""))
        and (told := json(response))
        and len(told) <= SMALL_BYTES
    ):
        _write_protobuf(response, told)
    response.headers[AUDIT_ID] = audit_id(request)
    if _FLOW in request:
        response.headers[FLOW_SCHEMA], response.headers[PRIORITY_LEVEL] = request[_FLOW]
    size = size_bytes(response)
    if _is_whole(response) and size > COMPRESSED_BYTES and "gzip" in request.headers.get("Accept-Encoding", ""):
        await _compress(response)
    if size <= _NEVER_WAITS_BYTES and _is_idle(request):
        await _send(request, response)
        return
    try:
        async with asyncio.timeout(limits.of(size)):
            await _send(request, response)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()


def _is_whole(response: web.StreamResponse) -> TypeGuard[web.Response]:
    return isinstance(response, web.Response)


def _is_idle(request: web.BaseRequest) -> bool:
    """Whether the client has taken all that was sent before."""
    return request.transport is not None and request.transport.get_write_buffer_size() == 0


async def _send(request: web.BaseRequest, response: web.StreamResponse) -> None:
    await response.prepare(request)
    await response.write_eof()


def audit_id(request: web.BaseRequest) -> str:
    """What the request is known by: what its sender calls it, or a name of ours."""
    if _KNOWN_AS not in request:
        sent = request.headers.get(AUDIT_ID, "")
        request[_KNOWN_AS] = sent if 0 < len(sent) <= _ID_CHARS and sent.isprintable() else new_id()
    return request[_KNOWN_AS]


def size_bytes(response: web.StreamResponse) -> int:
    """Of the answer's body."""
    return len(_body(response))


def json(response: web.StreamResponse) -> bytes:
    """The body when it is JSON, without the end of its line."""
    return _body(response).rstrip() if response.content_type == negotiation.JSON and not response.prepared else b""


def told(response: web.StreamResponse, kind: Kind) -> bytes:
    """What it says of objects of the kind, as JSON."""
    if response.content_type == negotiation.PROTOBUF and not response.prepared:
        return protobuf_answers.as_json(_body(response), kind)
    return json(response)


def _body(response: web.StreamResponse) -> bytes:
    body = response.body if isinstance(response, web.Response) else None
    return body if isinstance(body, bytes) else b""


def _write_protobuf(response: web.StreamResponse, body: bytes) -> None:
    """What was made as JSON because it is small: Statuses, reviews, scales, tokens. What has no such form stays so."""
    encoded = protobuf_answers.of_json(body)
    if encoded is not None and isinstance(response, web.Response):
        response.body = encoded
        response.content_type = negotiation.PROTOBUF


async def _as_yaml(response: web.Response) -> web.Response:
    """The same, written as YAML, which takes a hundred times as long."""
    body = json(response)
    if len(body) > YAML_BYTES:
        told = f"the answer is too large for YAML, of which {YAML_BYTES} bytes are written: ask for {negotiation.JSON}"
        return responses.failure(NotAcceptable(f"{told}, or for pages by limit"))
    response.body = await asyncio.to_thread(lambda: manifest.write([orjson.loads(body)]).encode())
    response.content_type = negotiation.YAML
    return response


async def _compress(response: web.Response) -> None:
    response.body = await asyncio.to_thread(gzip.compress, _body(response), _FASTEST, mtime=0)
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
