"""Podlab's errors: one tree, each leaf a reason that Kubernetes names.

    ApiError
    ├── BadRequest           400  the request cannot be understood
    ├── Unauthorized         401  the caller is unknown
    ├── Forbidden            403  the caller is known and may not
    ├── NotFound             404
    ├── MethodNotAllowed     405  the kind does not have this verb
    ├── NotAcceptable        406  the caller takes no form that we have
    ├── AlreadyExists        409  the name is taken
    ├── Conflict             409  the object is not what the caller thought
    ├── Expired              410  the revision is no longer kept: list again
    ├── RequestTooLarge      413
    ├── UnsupportedMediaType 415  the body has a form that we cannot read
    ├── Invalid              422  causes name every bad field
    ├── TooManyRequests      429
    ├── InternalError        500
    ├── ServiceUnavailable   503  a component that is needed cannot be reached
    └── Timeout              504  a bounded wait ran out

Each maps to a gRPC code and to a Kubernetes Status here and nowhere else.
Reasons and codes: https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#StatusReason
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn, Self

import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status

from podlab.meta.v1 import meta_pb2


@dataclass(frozen=True)
class Cause:
    """One bad field. `reason` is a Kubernetes cause type such as FieldValueRequired."""

    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


MOST_CAUSES = 100
"""So many are told, as sigs.k8s.io/json tells of fields; of the rest, how many there are."""
# An answer is read by people: a field path or a value of megabytes is told by its beginning.
_SLACK_CHARS = 32
_MORE = re.compile(r"and (\d{1,9}) more")
_MOST_FIELD_CHARS, _MOST_CAUSE_CHARS, _MOST_MESSAGE_CHARS = 1 << 10, 8 << 10, 32 << 10


def cut(text: str, most: int) -> str:
    """The text, or about so many of its characters and how many it has. Once is enough: it stays what it is then."""
    return text if len(text) <= most + _SLACK_CHARS else f"{text[:most]}... ({len(text)} characters)"


def bounded(causes: Sequence[Cause], more: int = 0) -> tuple[Cause, ...]:
    """The first causes, each shortened, and one that tells how many there are besides; `more` were not even kept."""
    if causes and not causes[-1].field and (told_already := _MORE.fullmatch(causes[-1].message)):
        causes, more = causes[:-1], more + int(told_already[1])
    more += max(0, len(causes) - MOST_CAUSES)
    told = [
        Cause(cut(one.field, _MOST_FIELD_CHARS), one.reason, cut(one.message, _MOST_CAUSE_CHARS))
        for one in causes[:MOST_CAUSES]
    ]
    return (*told, Cause("", "FieldValueTooMany", f"and {more} more")) if more else tuple(told)


NAMESPACE_TERMINATING = "NamespaceTerminating"
"""The reason of a cause: nothing is made there any more, whatever is asked for."""


class ApiError(Exception):
    """A call that failed for a reason that Kubernetes has a name for. A webhook that refuses names its own reason and
    code, which are then the error's."""

    reason: str = ""
    code: int = 500
    grpc_code: ClassVar[grpc.StatusCode] = grpc.StatusCode.UNKNOWN

    def __init__(
        self,
        message: str,
        *,
        kind: str = "",
        name: str = "",
        causes: Sequence[Cause] = (),
        retry_after_s: int = 0,
        continue_token: str = "",
    ) -> None:
        """`continue_token` is what a list goes on with, not as consistent as it was."""
        message = cut(message, _MOST_MESSAGE_CHARS)
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.name = cut(name, _MOST_FIELD_CHARS)
        self.causes = bounded(causes)
        self.retry_after_s = retry_after_s
        self.continue_token = continue_token


class BadRequest(ApiError):
    reason, code, grpc_code = "BadRequest", 400, grpc.StatusCode.INVALID_ARGUMENT


class Unauthorized(ApiError):
    reason, code, grpc_code = "Unauthorized", 401, grpc.StatusCode.UNAUTHENTICATED


class Forbidden(ApiError):
    reason, code, grpc_code = "Forbidden", 403, grpc.StatusCode.PERMISSION_DENIED


class NotFound(ApiError):
    reason, code, grpc_code = "NotFound", 404, grpc.StatusCode.NOT_FOUND

    @classmethod
    def of(cls, resource: str, name: str) -> Self:
        """`resource` is the plural, with its group behind a dot when it has one: deployments.apps."""
        return cls(f'{resource} "{name}" not found', kind=resource, name=name)


class MethodNotAllowed(ApiError):
    reason, code, grpc_code = "MethodNotAllowed", 405, grpc.StatusCode.UNIMPLEMENTED


class NotAcceptable(ApiError):
    reason, code, grpc_code = "NotAcceptable", 406, grpc.StatusCode.INVALID_ARGUMENT


class AlreadyExists(ApiError):
    reason, code, grpc_code = "AlreadyExists", 409, grpc.StatusCode.ALREADY_EXISTS

    @classmethod
    def of(cls, resource: str, name: str) -> Self:
        return cls(f'{resource} "{name}" already exists', kind=resource, name=name)


class Conflict(ApiError):
    reason, code, grpc_code = "Conflict", 409, grpc.StatusCode.ABORTED

    @classmethod
    def of(cls, resource: str, name: str, why: str = "") -> Self:
        why = why or "the object has been modified; please apply your changes to the latest version and try again"
        return cls(f'Operation cannot be fulfilled on {resource} "{name}": {why}', kind=resource, name=name)


class Expired(ApiError):
    reason, code, grpc_code = "Expired", 410, grpc.StatusCode.OUT_OF_RANGE


class RequestTooLarge(ApiError):
    reason, code, grpc_code = "RequestEntityTooLarge", 413, grpc.StatusCode.RESOURCE_EXHAUSTED


class UnsupportedMediaType(ApiError):
    reason, code, grpc_code = "UnsupportedMediaType", 415, grpc.StatusCode.INVALID_ARGUMENT


class Invalid(ApiError):
    reason, code, grpc_code = "Invalid", 422, grpc.StatusCode.INVALID_ARGUMENT

    @classmethod
    def of(cls, resource: str, name: str, causes: Sequence[Cause]) -> Self:
        """`resource` is the kind, with its group behind a dot when it has one: Deployment.apps."""
        causes = bounded(causes)
        told = str(causes[0]) if len(causes) == 1 else "[" + ", ".join(str(cause) for cause in causes) + "]"
        return cls(f'{resource} "{name}" is invalid: {told}', kind=resource, name=name, causes=causes)


class TooManyRequests(ApiError):
    reason, code, grpc_code = "TooManyRequests", 429, grpc.StatusCode.RESOURCE_EXHAUSTED


class InternalError(ApiError):
    reason, code, grpc_code = "InternalError", 500, grpc.StatusCode.INTERNAL


class ServiceUnavailable(ApiError):
    reason, code, grpc_code = "ServiceUnavailable", 503, grpc.StatusCode.UNAVAILABLE


class Timeout(ApiError):
    reason, code, grpc_code = "Timeout", 504, grpc.StatusCode.DEADLINE_EXCEEDED


LEAVES: tuple[type[ApiError], ...] = (
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    AlreadyExists,
    Conflict,
    Expired,
    RequestTooLarge,
    UnsupportedMediaType,
    Invalid,
    TooManyRequests,
    InternalError,
    ServiceUnavailable,
    Timeout,
)
_BY_REASON = {leaf.reason: leaf for leaf in LEAVES}
_BY_CODE = {leaf.code: leaf for leaf in LEAVES}
# For errors that carry no Status: those that gRPC itself raises.
_BY_GRPC_CODE: dict[grpc.StatusCode, type[ApiError]] = {
    **{leaf.grpc_code: leaf for leaf in reversed(LEAVES)},
    grpc.StatusCode.CANCELLED: ServiceUnavailable,
    grpc.StatusCode.UNKNOWN: InternalError,
}


# Errors travel in HTTP/2 trailers, of which gRPC takes 8 KiB unless told otherwise; it then drops the whole call.
METADATA_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_metadata_size", 256 << 10),
    ("grpc.absolute_max_metadata_size", 256 << 10),
)
_MESSAGE_CHARS, _CAUSE_CHARS, _CAUSES_CHARS = 8192, 1024, 16384

# What a method of a service is given with its request, whatever it takes and answers.
ServicerContext = grpc.aio.ServicerContext[Any, Any]


def to_status(error: ApiError) -> meta_pb2.Status:
    """The Kubernetes Status that stands for the error."""
    status = meta_pb2.Status(status="Failure", message=error.message, reason=error.reason, code=error.code)
    if error.continue_token:
        setattr(status.metadata, "continue", error.continue_token)  # a word of Python
    if error.kind or error.name or error.causes or error.retry_after_s:
        status.details.kind = error.kind
        status.details.name = error.name
        status.details.retryAfterSeconds = error.retry_after_s
        for cause in error.causes:
            status.details.causes.add(reason=cause.reason, message=cause.message, field=cause.field)
    return status


def from_status(status: meta_pb2.Status) -> ApiError:
    """The error that a Status stands for. A reason or a code that is not ours stays as it is: the error is that of the
    code then, or InternalError."""
    leaf = _BY_REASON.get(status.reason) or _BY_CODE.get(status.code, InternalError)
    error = leaf(
        status.message,
        kind=status.details.kind,
        name=status.details.name,
        causes=[Cause(cause.field, cause.reason, cause.message) for cause in status.details.causes],
        retry_after_s=status.details.retryAfterSeconds,
        continue_token=getattr(status.metadata, "continue"),
    )
    if status.reason and status.reason != leaf.reason:
        error.reason = status.reason
    if status.code and status.code != leaf.code:
        error.code = status.code
    return error


def to_rpc_status(error: ApiError) -> grpc.Status:
    """The error as what `ServicerContext.abort_with_status` takes, with the Status in its details, cut to what fits."""
    rich = status_pb2.Status(code=error.grpc_code.value[0], message=cut(error.message, _MESSAGE_CHARS))
    rich.details.add().Pack(_fitting(to_status(error)))
    status: grpc.Status = rpc_status.to_status(rich)
    return status


def _fitting(status: meta_pb2.Status) -> meta_pb2.Status:
    status.message = cut(status.message, _MESSAGE_CHARS)
    left = _CAUSES_CHARS
    for index, cause in enumerate(status.details.causes):
        cause.message, cause.field = cut(cause.message, _CAUSE_CHARS), cut(cause.field, _CAUSE_CHARS)
        left -= len(cause.message) + len(cause.field) + len(cause.reason)
        if left < 0:
            del status.details.causes[index:]
            break
    status.details.name = cut(status.details.name, _CAUSE_CHARS)
    return status


async def abort(context: ServicerContext, error: ApiError) -> NoReturn:
    """Ends a call on the server's side with the error, and with the trailing metadata that it has already."""
    status = to_rpc_status(error)
    trailing = (*(context.trailing_metadata() or ()), *status.trailing_metadata)
    await context.abort(status.code, status.details, trailing)
    raise AssertionError("abort returned")


def from_rpc_error(error: grpc.aio.AioRpcError) -> ApiError:
    """The error that a failed call stands for, with all its causes when the server was ours."""
    rich = rpc_status.from_call(error)
    for detail in rich.details if rich else ():
        status = meta_pb2.Status()
        if detail.Unpack(status):
            return from_status(status)
    leaf = _BY_GRPC_CODE.get(error.code(), InternalError)
    return leaf(error.details() or error.code().name)
