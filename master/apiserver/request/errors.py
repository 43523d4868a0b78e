"""What unexpected errors and refusals of the store are to the caller. Only here do they become API errors."""

from __future__ import annotations

import logging
import traceback

from master.store.errors import (
    Closed,
    Compacted,
    FutureRevision,
    Mismatch,
    Overrun,
    Refused,
    StoreError,
    Undecided,
    Unreachable,
    Unwritable,
)
from podlab.api.kinds import OTHER
from podlab.errors import ApiError, Conflict, Expired, InternalError, ServiceUnavailable, Timeout

log = logging.getLogger(__name__)


def api_error(error: Exception, request: object) -> ApiError:
    """What the caller is told. What nobody expected is logged, without any value of a Secret."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, StoreError):
        return from_store(error)
    text = type(error).__name__ if _is_about_a_secret(request) else f"{type(error).__name__}: {error}"
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("unexpected error in %s: %s\n%s", type(request).__name__, text, frames)
    return InternalError("internal error; the apiserver's log says more")


def from_store(error: StoreError) -> ApiError:
    """What a refusal of the store means to a caller."""
    if isinstance(error, Mismatch):
        return Conflict(f"{error.key} was changed meanwhile; read it again and retry")
    if isinstance(error, Compacted | FutureRevision | Overrun):
        return Expired(str(error))
    if isinstance(error, Closed):
        return ServiceUnavailable("the apiserver is shutting down; retry")
    if isinstance(error, Unwritable | Unreachable | Refused):
        log.error("%s", error)
        return ServiceUnavailable(str(error))
    if isinstance(error, Undecided):
        log.error("%s", error)
        return Timeout(f"{error}; the write may have been done")
    log.error("%s", error)
    return InternalError("the store failed; the apiserver's log says more")


def _is_about_a_secret(request: object) -> bool:
    if getattr(request, "kind", "") == "Secret":
        return True
    envelope = getattr(request, "object", None)
    # What is packed may be anything.
    return envelope is not None and envelope.WhichOneof("kind") in ("secret", OTHER)
