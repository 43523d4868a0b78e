"""Where errors become gRPC statuses, and nowhere else."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from master.apiserver.filters.authorize import Context
from master.store.errors import Closed, Compacted, FutureRevision, Mismatch, Overrun, StoreError, Unwritable
from podlab.errors import ApiError, BadRequest, Conflict, Expired, InternalError, ServiceUnavailable, abort

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


def telling(method: Callable[[Any, Context], Awaitable[Answer]]) -> Callable[[Any, Context], Awaitable[Answer]]:
    """The handler with its errors told to the caller."""

    async def answer(request: Any, context: Context) -> Answer:
        try:
            return await method(request, context)
        except (grpc.aio.AbortError, asyncio.CancelledError):
            raise
        except Exception as error:  # the caller hears of it, and the log when it is ours
            return await abort(context, api_error(error, request))

    return answer


def reading(
    request_type: type[Message], method: Callable[[Any, Context], Awaitable[Answer]]
) -> Callable[[bytes, Context], Awaitable[Answer]]:
    """The handler for bytes. Those that are no request are told to the caller; gRPC would fill the log with them."""

    async def answer(request: bytes, context: Context) -> Answer:
        try:
            read = request_type.FromString(request)
        except DecodeError:
            return await abort(context, BadRequest(f"the request is not a {request_type.DESCRIPTOR.full_name}"))
        return await method(read, context)

    return answer


def api_error(error: Exception, request: object) -> ApiError:
    """What the caller is told. What nobody expected is logged, without any value of a Secret."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, StoreError):
        return from_store(error)
    told = type(error).__name__ if _is_about_a_secret(request) else f"{type(error).__name__}: {error}"
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("unexpected error in %s: %s\n%s", type(request).__name__, told, frames)
    return InternalError("internal error; the apiserver's log says more")


def from_store(error: StoreError) -> ApiError:
    """What a refusal of the store means to a caller."""
    if isinstance(error, Mismatch):
        return Conflict(f"{error.key} was changed meanwhile; read it again and retry")
    if isinstance(error, Compacted | FutureRevision | Overrun):
        return Expired(str(error))
    if isinstance(error, Closed):
        return ServiceUnavailable("the apiserver is shutting down; retry")
    if isinstance(error, Unwritable):
        log.error("%s", error)
        return ServiceUnavailable(str(error))
    log.error("%s", error)
    return InternalError("the store failed; the apiserver's log says more")


def _is_about_a_secret(request: object) -> bool:
    if getattr(request, "kind", "") == "Secret":
        return True
    envelope = getattr(request, "object", None)
    return envelope is not None and envelope.WhichOneof("kind") == "secret"
