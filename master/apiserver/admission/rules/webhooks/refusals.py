"""How writes are refused that webhooks refuse, or that cannot be asked about, in Kubernetes' words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.api.values.jsonvalues import Json
from podlab.errors import ApiError, BadRequest, Forbidden, InternalError, Timeout, from_status
from podlab.meta.v1.meta_pb2 import Status

_LOWEST, _HIGHEST = 400, 599
# As Go's client reads answers without a Status: k8s.io/apimachinery/pkg/api/errors, NewGenericServerResponse.
_SAID_OF_CODES: Final[Mapping[int, str]] = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    409: "the server reported a conflict",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: ("the server was unable to return a response in the time allotted, but may still be processing the request"),
}
_SAID_BY_SERVER: Final = frozenset({403, 406, 415})
_SERVER_ERRORS = 500
_MOST_BODY_CHARS = 1 << 10


class Denied(Exception):
    """A webhook has said no; `error` is to be raised."""

    def __init__(self, webhook: str, result: Mapping[str, Json]) -> None:
        super().__init__(webhook)
        self.error = denied(webhook, result)


def denied(webhook: str, result: Mapping[str, Json]) -> ApiError:
    """To be raised: the webhook says no, with the Status `result`."""
    try:
        status, _ = codec.part_from_dict_leniently(result, Status)
    except BadRequest as error:
        status = Status(message=f"its reason cannot be read: {error.message}")
    by = f'admission webhook "{webhook}" denied the request'
    said = status.message or status.reason
    status.message = f"{by}: {said}" if said else f"{by} without explanation"
    if not _LOWEST <= status.code <= _HIGHEST:
        status.code = _LOWEST
    if status.details.group:
        status.details.kind = f"{status.details.kind}.{status.details.group}"
    refusal = from_status(status)
    refusal.reason = status.reason
    return refusal


def failed(webhook: str, why: str) -> InternalError:
    """To be raised: the webhook could not be asked."""
    return InternalError(f"Internal error occurred: {failed_call(webhook, why)}")


def failed_call(webhook: str, why: str) -> str:
    """As logs and errors say it."""
    return f'failed calling webhook "{webhook}": {why}'


def unmet(kind: Kind, name: str, why: str) -> Forbidden:
    """To be raised: whether the write meets a webhook's conditions cannot be said."""
    return Forbidden(f'{kind.resource} "{name}" is forbidden: {why}', kind=kind.resource, name=name)


def unfit_for_dry_runs(webhook: str) -> BadRequest:
    """To be raised: the webhook may have side effects, and the write is only tried."""
    return BadRequest(f'admission webhook "{webhook}" does not support dry run')


def misplaced_patch(webhook: str) -> InternalError:
    """To be raised: there is nothing that could be changed."""
    told = "attempted to modify the object, which is not supported for this operation"
    return InternalError(f'Internal error occurred: admission webhook "{webhook}" {told}')


def out_of_time() -> Timeout:
    """To be raised: all webhooks together have taken too long."""
    return Timeout("Timeout: request did not complete within requested timeout")


def unexpected(code: int, body: bytes) -> str:
    """What is told of an answer with that HTTP status, which is no AdmissionReview."""
    text = body[:_MOST_BODY_CHARS].decode(errors="replace").strip() or "unknown"
    if code in _SAID_BY_SERVER:
        return text
    if (said := _SAID_OF_CODES.get(code)) is not None:
        return said
    if code >= _SERVER_ERRORS:
        shown = json.dumps(text, ensure_ascii=False)
        return f"an error on the server ({shown}) has prevented the request from succeeding"
    return f"the server responded with the status code {code} but did not return more information"
