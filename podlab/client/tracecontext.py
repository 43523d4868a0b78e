"""Calls that say in which trace they are made, by W3C's `traceparent` in their metadata."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import grpc

Request = TypeVar("Request")
Response = TypeVar("Response")


class TraceContextInterceptor(grpc.aio.UnaryUnaryClientInterceptor):
    """Of a channel whose calls are all made in one trace."""

    def __init__(self, traceparent: str) -> None:
        self._metadata = (("traceparent", traceparent),)

    async def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Request], Awaitable[Response]],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Request,
    ) -> Response:
        """See gRPC."""
        told = client_call_details
        metadata = grpc.aio.Metadata(*(told.metadata or ()), *self._metadata)
        return await continuation(
            grpc.aio.ClientCallDetails(told.method, told.timeout, metadata, told.credentials, told.wait_for_ready),
            request,
        )


def interceptors(traceparent: str) -> Sequence[TraceContextInterceptor]:
    """None where there is no trace: a call then costs what it did."""
    return (TraceContextInterceptor(traceparent),) if traceparent else ()
