"""Request bodies: read within bounds, as JSON or YAML, and what to make of fields that nobody knows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson
from aiohttp import web
from google.protobuf.message import Message

from master.apiserver.limits import REQUEST_BYTES
from master.apiserver.rest import wire
from master.apiserver.rest.paths import Place
from master.apiserver.rest.query import invalid_option
from podlab.api import codec, manifest
from podlab.api.kinds import Kind
from podlab.errors import BadRequest, RequestTooLarge, Timeout, UnsupportedMediaType

# A body that takes longer than this to arrive is not waited for.
BODY_LIMIT_S = 30.0


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


def media_type(request: web.BaseRequest) -> str:
    """Of the body, without parameters; JSON when nothing is said."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower() or "application/json"


async def read(request: web.BaseRequest) -> bytes:
    """The whole body. Raises RequestTooLarge, Timeout."""
    if (request.content_length or 0) > REQUEST_BYTES:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > REQUEST_BYTES:
                    raise _too_large()
    except TimeoutError as error:
        raise Timeout(f"the request's body did not arrive within {BODY_LIMIT_S:.0f} s; send it again") from error
    return bytes(body)


def data(body: bytes, kind_of_body: str) -> Any:
    """What the body says. Raises BadRequest, UnsupportedMediaType."""
    if kind_of_body == "application/json":
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"the body of the request is malformed JSON: {error}") from error
    if kind_of_body in ("application/yaml", "application/x-yaml"):
        try:
            documents = manifest.read(body.decode())
        except UnicodeDecodeError as error:
            raise BadRequest(f"the body of the request is not UTF-8: {error}") from error
        if len(documents) != 1:
            raise BadRequest(f"the body of the request must be one YAML document, found {len(documents)}")
        return documents[0].data
    raise UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: application/json, "
        f"application/yaml; found {kind_of_body}"
    )


def field_validation(text: str) -> FieldValidation:
    """Kubernetes warns when nothing is said. Raises Invalid."""
    try:
        return FieldValidation(text or FieldValidation.WARN)
    except ValueError as error:
        raise invalid_option("fieldValidation", text, tuple(FieldValidation)) from error


async def object_data(request: web.BaseRequest, kind: Kind) -> Any:
    """What the body says, which is to be an object of the kind. Raises BadRequest, UnsupportedMediaType."""
    body, form = await read(request), media_type(request)
    return wire.read(body, kind) if form == wire.MEDIA_TYPE else data(body, form)


async def delete_options(request: web.BaseRequest) -> Any:
    """DeleteOptions that the body says; None when there is no body. Raises BadRequest, UnsupportedMediaType."""
    body, form = await read(request), media_type(request)
    if not body:
        return None
    return wire.read_delete_options(body) if form == wire.MEDIA_TYPE else data(body, form)


def decode(content: Any, kind: Kind, validation: FieldValidation) -> Read:
    """The object of the kind that the content describes. Raises BadRequest."""
    try:
        message, unknown = codec.from_dict_leniently(content, kind)
    except BadRequest as error:
        told = f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: {error.message}'
        raise BadRequest(told, causes=error.causes) from error
    words = [f'unknown field "{path}"' for path in unknown]
    if validation is FieldValidation.STRICT and words:
        raise BadRequest(
            f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: '
            f"strict decoding error: {', '.join(words)}"
        )
    return Read(message, words if validation is FieldValidation.WARN else [])


def take_place(message: Any, place: Place) -> None:
    """Name and namespace are those of the URL; an object that says others is refused."""
    metadata = message.metadata
    if metadata.namespace and metadata.namespace != place.namespace:
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
