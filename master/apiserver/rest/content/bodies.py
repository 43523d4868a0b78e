"""Request bodies: read within bounds, as JSON or YAML, and what to make of fields that nobody knows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

import orjson
from aiohttp import web
from google.protobuf.message import Message

from master.apiserver.flowcontrol.inflight_limits import REQUEST_BYTES, Hold
from master.apiserver.patching import patch
from master.apiserver.request.paths import Place
from master.apiserver.request.query import invalid_option
from master.apiserver.rest.content import duplicate_fields, protobuf
from podlab.api import codec, kinds, manifest, weight
from podlab.api.kinds import Kind
from podlab.errors import BadRequest, Cause, Invalid, RequestTooLarge, Timeout, UnsupportedMediaType
from podlab.v1 import apiserver_pb2 as pb

# A body that takes longer than this to arrive is not waited for.
BODY_LIMIT_S = 30.0
# Larger bodies are read in a thread: a second's work for one request is not to hold up all others.
_LARGE_BYTES = 64 << 10
# YAML takes a hundred times as long as JSON.
_YAML_BYTES = 256 << 10
_JSON, _YAML = "application/json", ("application/yaml", "application/x-yaml")
_BODY = web.RequestKey("body", bytes)


class FieldValidation(StrEnum):
    """What becomes of a field that the kind does not have."""

    STRICT = "Strict"
    WARN = "Warn"
    IGNORE = "Ignore"


@dataclass(frozen=True, slots=True)
class Read:
    """An object, and what its sender is to be warned of."""

    message: Message
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ReadPatch:
    """A patch, and what its sender is to be warned of once it has been applied."""

    patch: patch.Patch
    validation: FieldValidation
    repeated: list[str]
    warnings: list[str] = field(default_factory=list)

    def applied(self, current: Message) -> Message:
        """What the patch makes of `current`. Raises BadRequest, Invalid."""
        message, unknown = self.patch.read(current)
        words = [*self.repeated, *duplicate_fields.told(b"", unknown)]
        if self.validation is FieldValidation.STRICT and words:
            told = Cause("patch", "FieldValueInvalid", f"Invalid value: strict decoding error: {', '.join(words)}")
            metadata: Any = current.metadata  # type: ignore[attr-defined]
            raise Invalid.of(kinds.of(current).qualified_name, metadata.name, [told])
        self.warnings[:] = words if self.validation is FieldValidation.WARN else []
        return message


def media_type(request: web.BaseRequest) -> str:
    """Of the body, without parameters; JSON when nothing is said."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower() or _JSON


async def receive(request: web.BaseRequest, user: str, hold: Hold) -> None:
    """Keep the whole body with the request, for `received`; `hold` is told of its size.

    Raises RequestTooLarge, Timeout, TooManyRequests, and UnsupportedMediaType for a compressed one.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("the body of the request is compressed, which this server does not read")
    expected = request.content_length or 0
    if expected > REQUEST_BYTES:
        raise _too_large()
    hold(user, expected)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > REQUEST_BYTES:
                    raise _too_large()
                if len(body) > expected:
                    hold(user, len(body) - expected)
                    expected = len(body)
    except TimeoutError as error:
        raise Timeout(f"the request's body did not arrive within {BODY_LIMIT_S:.0f} s; send it again") from error
    request[_BODY] = bytes(body)


def received(request: web.BaseRequest) -> bytes:
    """The whole body, which came in before the request's turn; nothing for requests that stream."""
    return cast(bytes, request.get(_BODY, b""))


def json(request: web.BaseRequest, kind: Kind) -> bytes:
    """The body as JSON, whatever form it was sent in; nothing for what cannot be read."""
    body, form = received(request), media_type(request)
    if not body:
        return b""
    try:
        return orjson.dumps(protobuf.read(body, kind) if form == protobuf.MEDIA_TYPE else data(body, _written(form)))
    except (BadRequest, RequestTooLarge, UnsupportedMediaType, orjson.JSONEncodeError):
        return b""


def _written(form: str) -> str:
    """The form without what it is for: patches are JSON."""
    return _JSON if form.endswith("patch+json") else form


def data(body: bytes, kind_of_body: str) -> Any:
    """What the body says. Raises BadRequest, RequestTooLarge, UnsupportedMediaType."""
    if kind_of_body in _YAML:
        return _yaml(body, [])
    if kind_of_body == _JSON:
        weight.check_json(body)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"the body of the request is malformed JSON: {error}") from error
    raise UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: {_JSON}, "
        f"{_YAML[0]}; found {kind_of_body}"
    )


def _yaml(body: bytes, repeated: list[str]) -> Any:
    """The only document; `repeated` is told of keys that it gives twice."""
    if len(body) > _YAML_BYTES:
        raise RequestTooLarge(f"Request entity too large: limit is {_YAML_BYTES} for YAML; send JSON")
    try:
        documents = manifest.read(body.decode(), repeated)
    except UnicodeDecodeError as error:
        raise BadRequest(f"the body of the request is not UTF-8: {error}") from error
    if len(documents) != 1:
        raise BadRequest(f"the body of the request must be one YAML document, found {len(documents)}")
    return documents[0].data


def field_validation(text: str) -> FieldValidation:
    """Kubernetes warns when nothing is said. Raises Invalid."""
    try:
        return FieldValidation(text or FieldValidation.WARN)
    except ValueError as error:
        raise invalid_option("fieldValidation", text, tuple(FieldValidation)) from error


async def read_object(
    request: web.BaseRequest, kind: Kind, validation: FieldValidation, *, of_status: bool = False
) -> Read:
    """The object of the kind that the body describes, of which the status may be what is written.

    Raises BadRequest, RequestTooLarge, UnsupportedMediaType.
    """
    body, form = received(request), media_type(request)
    if len(body) > _LARGE_BYTES:
        return await asyncio.to_thread(_read_object, body, form, kind, validation, of_status)
    return _read_object(body, form, kind, validation, of_status)


def _read_object(body: bytes, form: str, kind: Kind, validation: FieldValidation, of_status: bool) -> Read:
    lines: list[str] = []
    if form == protobuf.MEDIA_TYPE:
        content = protobuf.read(body, kind)
    else:
        content = _yaml(body, lines) if form in _YAML else data(body, form)
    try:
        message, unknown = codec.from_dict_leniently(content, kind, of_status=of_status)
    except BadRequest as error:
        raise _refused(kind, error.message, error.causes) from error
    if validation is FieldValidation.IGNORE:
        return Read(message)
    words = duplicate_fields.told(body if form == _JSON else b"", unknown)
    if validation is FieldValidation.STRICT and (lines or words):
        told = ["yaml: unmarshal errors:\n  " + "\n  ".join(lines)] if lines else []
        raise _refused(kind, f"strict decoding error: {', '.join([*told, *words])}")
    return Read(message, [*lines, *words])


def _refused(kind: Kind, why: str, causes: Sequence[Cause] = ()) -> BadRequest:
    return BadRequest(
        f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: {why}', causes=causes
    )


async def read_patch(request: web.BaseRequest, validation: FieldValidation, *, of_status: bool = False) -> ReadPatch:
    """The patch that the body is. Raises BadRequest, RequestTooLarge, UnsupportedMediaType."""
    form, body = media_type(request), received(request)
    if len(body) > _LARGE_BYTES:
        return await asyncio.to_thread(_read_patch, body, form, validation, of_status)
    return _read_patch(body, form, validation, of_status)


def _read_patch(body: bytes, form: str, validation: FieldValidation, of_status: bool) -> ReadPatch:
    parsed = patch.parse(_patch_type(form), body, of_status=of_status)
    return ReadPatch(
        parsed, validation, [] if validation is FieldValidation.IGNORE else duplicate_fields.told(body, ())
    )


def _patch_type(form: str) -> pb.PatchType.ValueType:
    """Unspecified for what is no patch: refused where patches are parsed."""
    if form == patch.APPLY_MEDIA_TYPE:
        return pb.PATCH_TYPE_APPLY
    found = (number for number, name in patch.MEDIA_TYPES.items() if name == form)
    return cast("pb.PatchType.ValueType", next(found, pb.PATCH_TYPE_UNSPECIFIED))


async def delete_options(request: web.BaseRequest) -> Any:
    """DeleteOptions that the body says; None when there is no body. Raises BadRequest, UnsupportedMediaType."""
    body, form = received(request), media_type(request)
    if not body:
        return None
    return protobuf.read(body, kinds.DELETE_OPTIONS) if form == protobuf.MEDIA_TYPE else data(body, form)


def take_place(message: Any, place: Place) -> None:
    """Name and namespace are those of the URL; an object that says others is refused, but for a namespace of what lives
    in none."""
    metadata = message.metadata
    if place.namespace and metadata.namespace not in ("", place.namespace):
        raise BadRequest(
            f"the namespace of the provided object does not match the namespace sent on the request: "
            f"{metadata.namespace!r} and {place.namespace!r}"
        )
    metadata.namespace = place.namespace
    if place.name and metadata.name and metadata.name != place.name:
        raise BadRequest(f"the name of the object ({metadata.name}) does not match the name on the URL ({place.name})")
    if place.name:
        metadata.name = place.name


def _too_large() -> RequestTooLarge:
    return RequestTooLarge(f"Request entity too large: limit is {REQUEST_BYTES}")
