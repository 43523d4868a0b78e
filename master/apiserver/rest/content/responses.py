"""Answers as HTTP: JSON bytes, and errors as Kubernetes' Status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from master.apiserver.rest.content.negotiation import JSON
from master.apiserver.rest.content.warning_headers import Warnings, headers
from podlab.api.kinds import Kind
from podlab.errors import ApiError, Unauthorized


def ready(body: bytes, *, status: int = 200, warnings: Warnings = (), media_type: str = JSON) -> web.Response:
    """Bytes as they are; behind JSON a line ends, as Kubernetes ends it."""
    if media_type == JSON and not body.endswith(b"\n"):
        body += b"\n"
    response = web.Response(body=body, status=status, headers={"Content-Type": media_type, "Cache-Control": "no-cache"})
    warn(response, warnings)
    return response


def warn(response: web.StreamResponse, warnings: Warnings) -> None:
    """Tell the client, beside the answer itself (RFC 7234, 5.5)."""
    for value in headers(warnings):
        response.headers.add("Warning", value)


def data(
    value: Mapping[str, Any], *, status: int = 200, warnings: Warnings = (), media_type: str = JSON
) -> web.Response:
    """Plain data as JSON."""
    return ready(orjson.dumps(value), status=status, warnings=warnings, media_type=media_type)


def items(kind: str, api_version: str, metadata: Mapping[str, Any], objects: Sequence[bytes]) -> web.Response:
    """A list, of that kind, of objects that are JSON already."""
    head = orjson.dumps({"kind": kind, "apiVersion": api_version, "metadata": metadata})
    return ready(b"".join((head[:-1], b',"items":[', b",".join(objects), b"]}\n")))


def text(words: str | bytes, *, media_type: str = "text/plain; charset=utf-8") -> web.Response:
    """What health checks and metrics answer."""
    body = words.encode() if isinstance(words, str) else words
    return web.Response(body=body, headers={"Content-Type": media_type})


def failure(error: ApiError) -> web.Response:
    """An error as its Status."""
    response = data(failure_status(error), status=error.code)
    if error.retry_after_s:
        response.headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = 'Bearer realm="podlab"'
    return response


def failure_status(error: ApiError) -> dict[str, Any]:
    """The Status of a failure, as JSON's data."""
    details: dict[str, Any] = {}
    kind, _, group = error.kind.partition(".")
    for name, value in (("name", error.name), ("group", group), ("kind", kind)):
        if value:
            details[name] = value
    if error.causes:
        details["causes"] = [
            {"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in error.causes
        ]
    if error.retry_after_s:
        details["retryAfterSeconds"] = error.retry_after_s
    return {
        **_HEAD,
        "metadata": {"continue": error.continue_token} if error.continue_token else {},
        "status": "Failure",
        "message": error.message,
        **({"reason": error.reason} if error.reason else {}),
        **({"details": details} if details else {}),
        "code": error.code,
    }


def success(kind: Kind, name: str, uid: str) -> dict[str, Any]:
    """The Status that tells of a deletion."""
    details = {"name": name, **({"group": kind.group} if kind.group else {}), "kind": kind.plural, "uid": uid}
    return {**_HEAD, "status": "Success", "details": details}


def created() -> dict[str, Any]:
    """The Status that tells that something was done which is no object."""
    return {**_HEAD, "status": "Success", "code": 201}


_HEAD: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}}
