"""Passes a client's request on to another server, and the answer back, both as they come."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict

from master.apiserver.egress.client import EgressClient, OutgoingRequest
from master.apiserver.egress.destinations import SYSTEM, Destination, Trust
from master.apiserver.egress.endpoints import Unserved
from master.apiserver.egress.upgrades import SWITCHING_PROTOCOLS, Upgraded
from master.apiserver.rest.content import response_writer
from master.apiserver.rest.proxy import headers
from master.apiserver.rest.streams import raw
from master.apiserver.rest.streams.raw import ReceiveBuffer
from podlab.errors import ApiError, BadRequest, InternalError, NotFound, ServiceUnavailable

# A client that takes nothing for this long is gone. A user who reads in a pager may take long.
SILENCE_S = 600.0
# A server that is asked for an upgrade has so long for the head of its answer.
UPGRADE_LIMIT_S = 30.0
REFUSAL_LIMIT_S = 10.0
PIECE_BYTES = 64 * 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is told to the client: headers, and what comes before the rest of the body, if something has been read."""

    headers: CIMultiDict[str]
    first: bytes = b""


async def unchanged(response: aiohttp.ClientResponse) -> Answer:
    """The answer as it is."""
    return Answer(headers.answered(response.headers))


@dataclass(frozen=True, slots=True)
class Forward:
    """A request that is passed on. The path is sent as it is, with its query.

    `said` are headers that are said besides the client's, or instead of them, and what `changed` makes of an answer is
    told.
    """

    to: Destination
    path: str
    scheme: str = "https"
    trust: Trust = SYSTEM
    said: Mapping[str, str] = field(default_factory=dict)
    changed: Callable[[aiohttp.ClientResponse], Awaitable[Answer]] = unchanged


async def forwarded(request: web.BaseRequest, egress: EgressClient, forward: Forward) -> web.StreamResponse:
    """What the server answers, which has been sent when this returns.

    Raises NotFound without such a Service or pod, ServiceUnavailable when the server cannot be reached, InternalError
    for an upgrade that comes to nothing, or that nobody has asked for.
    """
    if headers.upgrade_of(request.headers):
        return await _upgraded(request, egress, forward)
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    body = request.content.iter_any() if request.can_read_body else None
    try:
        async with egress.request(forward.to, _outgoing(request, forward, body)) as answer:
            if answer.status == SWITCHING_PROTOCOLS:
                to = answer.headers.get(hdrs.UPGRADE, "")
                raise InternalError(f'backend tried to switch protocol to "{to}" when none was requested')
            return await _told(request, answer, await forward.changed(answer))
    except Unserved:
        raise
    except ServiceUnavailable as error:
        raise ServiceUnavailable(f"error trying to reach service: {error.message}") from error


def _outgoing(request: web.BaseRequest, forward: Forward, body: AsyncIterator[bytes] | None) -> OutgoingRequest:
    said = headers.asked(request.headers, request.remote or "")
    said.update(forward.said)
    return OutgoingRequest(request.method, forward.path, said, body, forward.trust, forward.scheme)


async def _told(request: web.BaseRequest, answer: aiohttp.ClientResponse, told: Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=told.headers)
    response.headers[response_writer.AUDIT_ID] = response_writer.audit_id(request)
    await response.prepare(request)
    try:
        if told.first:
            await _write(response, told.first)
        if request.method != hdrs.METH_HEAD:
            async for piece in answer.content.iter_any():
                await _write(response, piece)
        await response.write_eof()
    except (aiohttp.ClientError, ApiError, TimeoutError) as error:
        # Its head is sent, so that only a connection that breaks off can tell the client.
        log.info("the answer to %s %s breaks off: %s", request.method, request.path, error)
        if request.transport is not None:
            request.transport.abort()
    return response


async def _write(response: web.StreamResponse, content: bytes) -> None:
    async with asyncio.timeout(SILENCE_S):
        await response.write(content)


async def _upgraded(request: web.BaseRequest, egress: EgressClient, forward: Forward) -> web.StreamResponse:
    if request.can_read_body:
        raise BadRequest("unable to upgrade: a request for an upgrade has no body")
    outgoing = replace(_outgoing(request, forward, None), timeout_s=UPGRADE_LIMIT_S)
    async with contextlib.AsyncExitStack() as opened:
        try:
            made = await opened.enter_async_context(egress.upgraded(forward.to, outgoing))
        except (NotFound, Unserved):
            raise
        except ApiError as error:
            raise InternalError(f"error dialing backend: {error.message}") from error
        if made.status == SWITCHING_PROTOCOLS:
            return await relayed(request, made)
        return await _refused(made)


async def _refused(made: Upgraded) -> web.StreamResponse:
    """The answer that there is no upgrade. Raises InternalError for one that is none, ServiceUnavailable for one that
    breaks off."""
    if made.status < HTTPStatus.BAD_REQUEST:
        raise InternalError(f"invalid upgrade response: status code {made.status}")
    try:
        async with asyncio.timeout(REFUSAL_LIMIT_S):
            body = await made.refusal()
    except (EOFError, OSError) as error:  # a time that ran out is an OSError
        raise ServiceUnavailable(f"error trying to reach service: {error or 'no answer'}") from error
    told = headers.answered(made.headers)
    told.popall(hdrs.CONTENT_LENGTH, None)
    return web.Response(status=made.status, headers=told, body=body)


async def relayed(request: web.BaseRequest, made: Upgraded) -> web.StreamResponse:
    """Tell the client that protocols are switched, and carry bytes both ways until one side is gone.

    Raises BadRequest when the client's connection cannot be upgraded.
    """
    response, inflow = await raw.switched(request, headers.switching(made.headers))
    upwards = asyncio.create_task(_upwards(inflow, made.writer))
    downwards = asyncio.create_task(_downwards(made.reader, response))
    try:
        await asyncio.wait((upwards, downwards), return_when=asyncio.FIRST_COMPLETED)
    finally:
        upwards.cancel()
        downwards.cancel()
        await asyncio.gather(upwards, downwards, return_exceptions=True)  # whichever it was, its side is gone
    return response


async def _upwards(inflow: ReceiveBuffer, writer: asyncio.StreamWriter) -> None:
    while (content := await inflow.taken()) is not None:
        writer.write(content)
        await writer.drain()


async def _downwards(reader: asyncio.StreamReader, response: web.StreamResponse) -> None:
    while content := await reader.read(PIECE_BYTES):
        await _write(response, content)
