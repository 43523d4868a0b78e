"""pods/log, relayed from the pod's kubelet."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from aiohttp import web

from master.apiserver.request.query import Query
from master.apiserver.request.write_limit import WRITE_LIMIT_S
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import response_writer, responses
from master.apiserver.rest.streams import websocket_reader
from master.apiserver.rest.streams.websocket_reader import Write
from master.apiserver.rpc.relay import Relay
from master.apiserver.rpc.routes import KUBELET
from podlab.errors import ApiError, BadRequest
from podlab.v1 import kubelet_pb2

# A container that says nothing: its follower gets the answer's head after this long.
QUIET_S = 1.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAR_NS = 2**63 - 1  # some 292 years

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Logs:
    """Answers GET of pods/log."""

    relay: Relay

    async def get(self, call: Call) -> web.StreamResponse:
        """The log as text. What goes wrong before its first byte is answered as a Status."""
        request = asked(call.place.namespace, call.place.name, call.query)
        if await self.relay.waits_for_node(call.place.namespace, call.place.name, call.moment):
            return responses.text("", media_type="text/plain")  # nothing has been said yet
        async with contextlib.aclosing(
            self.relay.answers(KUBELET, "Logs", request.SerializeToString(), moment=call.moment)
        ) as chunks:
            first: asyncio.Task[bytes] = asyncio.create_task(anext(chunks, b""))
            try:
                await asyncio.wait((first,), timeout=QUIET_S if request.follow else None)
                if first.done():
                    first.result()  # raises what the kubelet refuses
                if websocket_reader.is_asked(call):
                    return await websocket_reader.logged(call, partial(_tell, call, first, chunks))
                return await _stream(call, first, chunks)
            finally:
                first.cancel()
                await asyncio.gather(first, return_exceptions=True)  # what it met was raised above


def asked(namespace: str, pod: str, query: Query) -> kubelet_pb2.LogsRequest:
    """What the query asks of the kubelet. Raises BadRequest."""
    wanted = kubelet_pb2.LogsRequest(
        namespace=namespace,
        pod=pod,
        container=query.text("container"),
        follow=query.flag("follow"),
        previous=query.flag("previous"),
        timestamps=query.flag("timestamps"),
    )
    for name, field, lowest in (
        ("tailLines", "tail_lines", 0),
        ("sinceSeconds", "since_seconds", 1),
        ("limitBytes", "limit_bytes", 1),
    ):
        number = query.number(name)
        if number is not None and number < lowest:
            raise BadRequest(f"{name}: {number} must be at least {lowest}")
        if number is not None:
            setattr(wanted, field, number)
    if query.text("sinceTime"):
        wanted.since_time_ns = _since(query)
    return wanted


def _since(query: Query) -> int:
    """Nanoseconds since 1970."""
    text = query.text("sinceTime")
    if query.text("sinceSeconds"):
        raise BadRequest("at most one of sinceTime or sinceSeconds may be specified")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"sinceTime: {text!r} is not a time such as 2026-01-31T12:00:00Z") from error
    if moment.tzinfo is None:
        raise BadRequest(f"sinceTime: {text!r} says no time zone; append Z for UTC")
    nanoseconds = (moment - _EPOCH) // timedelta(microseconds=1) * 1000
    return max(-_FAR_NS, min(nanoseconds, _FAR_NS))


async def _stream(call: Call, first: asyncio.Task[bytes], chunks: AsyncIterator[bytes]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    response.headers[response_writer.AUDIT_ID] = response_writer.audit_id(call.request)
    response.enable_chunked_encoding()
    await response.prepare(call.request)
    await _tell(call, first, chunks, response.write)
    if call.request.transport is not None and not call.request.transport.is_closing():
        await response.write_eof()
    return response


async def _tell(call: Call, first: asyncio.Task[bytes], chunks: AsyncIterator[bytes], write: Write) -> None:
    try:
        await _write(write, await first)
        async for chunk in chunks:
            await _write(write, chunk)
    except (ApiError, TimeoutError) as error:
        # Its head is sent, so that only a connection that breaks off can tell the reader.
        log.warning("the log of pod %s/%s breaks off: %s", call.place.namespace, call.place.name, error)
        if call.request.transport is not None:
            call.request.transport.abort()


async def _write(write: Write, chunk: bytes) -> None:
    data = kubelet_pb2.LogsResponse.FromString(chunk).data
    if not data:
        return
    async with asyncio.timeout(WRITE_LIMIT_S):
        await write(data)
