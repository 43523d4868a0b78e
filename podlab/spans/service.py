"""The gRPC service Spans: what a component remembers, and messages of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

import grpc

from podlab.errors import ServicerContext
from podlab.spans.spans import Spans, TimeSpan
from podlab.v1 import timeline_pb2, timeline_pb2_grpc

SERVICE = timeline_pb2.DESCRIPTOR.services_by_name["Spans"].full_name
_NS = 1_000_000_000

Found = Callable[[Sequence[str]], Awaitable[list[tuple[str, TimeSpan]]]]
"""Looks up what need not be remembered, because others have written it down."""


class SpansServicer(timeline_pb2_grpc.SpansServicer):
    """Serves `podlab.v1.Spans`."""

    def __init__(self, spans: Spans, found: Found | None = None) -> None:
        self._spans = spans
        self._found = found

    async def ListSpans(  # noqa: N802 - gRPC's name
        self, request: timeline_pb2.ListSpansRequest, context: ServicerContext
    ) -> timeline_pb2.ListSpansResponse:
        more = await self._found(request.keys) if self._found is not None else []
        return response(self._spans, request.keys, more)


def add_to(server: grpc.aio.Server, spans: Spans, found: Found | None = None) -> None:
    """Has the server answer for them."""
    timeline_pb2_grpc.add_SpansServicer_to_server(SpansServicer(spans, found), server)


def response(
    spans: Spans, keys: Iterable[str], more: Iterable[tuple[str, TimeSpan]] = ()
) -> timeline_pb2.ListSpansResponse:
    """All that is remembered under the keys, and `more`."""
    made = timeline_pb2.ListSpansResponse(now_ns=_ns(spans.now()), since_ns=_ns(spans.since_s))
    for key, each in (*spans.of(keys), *more):
        made.spans.add(
            key=key, name=each.name, began_ns=_ns(each.began_s), ended_ns=_ns(each.ended_s), detail=each.detail
        )
    return made


def _ns(seconds: float) -> int:
    return round(seconds * _NS)
