"""Handlers of gRPC calls whose errors, and requests that cannot be parsed, are told to the caller as statuses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from master.apiserver.request.errors import api_error
from podlab.errors import BadRequest, ServicerContext, abort

Answer = TypeVar("Answer")
Request = TypeVar("Request")
M = TypeVar("M", bound=Message)


def abort_on_error(
    method: Callable[[Request, ServicerContext], Awaitable[Answer]],
) -> Callable[[Request, ServicerContext], Awaitable[Answer]]:
    """The handler; an error that it raises becomes the call's status."""

    async def answer(request: Request, context: ServicerContext) -> Answer:
        try:
            return await method(request, context)
        except (grpc.aio.AbortError, asyncio.CancelledError):
            raise
        except Exception as error:  # the caller hears of it, and the log when it is ours
            return await abort(context, api_error(error, request))

    return answer


def parse_request(
    request_type: type[M], method: Callable[[M, ServicerContext], Awaitable[Answer]]
) -> Callable[[bytes, ServicerContext], Awaitable[Answer]]:
    """The handler for bytes. Bytes that are no request are refused here; gRPC would fill the log with them."""

    async def answer(request: bytes, context: ServicerContext) -> Answer:
        try:
            read = request_type.FromString(request)
        except DecodeError:
            return await abort(context, BadRequest(f"the request is not a {request_type.DESCRIPTOR.full_name}"))
        return await method(read, context)

    return answer
