"""What bodies say: objects, patches, options; and what to make of fields that nobody knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from aiohttp import web
from google.protobuf.message import Message

from master.apiserver.patching import patch
from master.apiserver.request.paths import Place
from master.apiserver.request.write_options import FieldValidation
from master.apiserver.rest.content import duplicate_fields, protobuf, request_body
from master.apiserver.rest.content.request_body import Body
from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.api.objects import metadata, typed
from podlab.api.serializer import codec
from podlab.api.values.jsonvalues import Json, described
from podlab.errors import BadRequest, Cause, Invalid
from podlab.kinds.resource import Decode
from podlab.meta.v1.meta_pb2 import DeleteOptions
from podlab.v1 import apiserver_pb2 as pb

M = TypeVar("M", bound=Message)

# Larger bodies are read in a thread: a second's work for one request is not to hold up all others.
_LARGE_BYTES = 64 << 10


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

    @property
    def sees_managed_fields(self) -> bool:
        """See Patch."""
        return self.patch.sees_managed_fields

    def applied(self, current: M) -> M:
        """What the patch makes of `current`. Raises BadRequest, Invalid."""
        message, unknown = self.patch.read(current)
        words = [*self.repeated, *duplicate_fields.described(b"", unknown, None)]
        if self.validation is FieldValidation.STRICT and words:
            told = Cause("patch", "FieldValueInvalid", f"Invalid value: strict decoding error: {', '.join(words)}")
            raise Invalid.of(self.patch.kind.qualified_name, metadata(current).name, [told])
        self.warnings[:] = words if self.validation is FieldValidation.WARN else []
        return typed(message, type(current))


@dataclass(frozen=True, slots=True)
class ReadConfiguration:
    """What is to be applied, and what its sender is to be warned of."""

    content: dict[str, Json]
    warnings: list[str] = field(default_factory=list)


async def read_object(
    request: web.BaseRequest,
    kind: Kind,
    validation: FieldValidation,
    *,
    of_status: bool = False,
    decode: Decode = codec.from_dict_leniently,
) -> Read:
    """The object of the kind that the body describes, of which the status may be what is written; `decode` makes it.

    Raises BadRequest, RequestTooLarge, UnsupportedMediaType.
    """
    sent = request_body.received(request)
    if len(sent.content) > _LARGE_BYTES:
        return await asyncio.to_thread(_read_object, sent, kind, validation, of_status, decode)
    return _read_object(sent, kind, validation, of_status, decode)


def _read_object(sent: Body, kind: Kind, validation: FieldValidation, of_status: bool, decode: Decode) -> Read:
    if sent.media_type == protobuf.MEDIA_TYPE:
        return _read_protobuf(sent, kind, of_status)
    lines: list[str] = []
    is_yaml = sent.media_type in request_body.YAML
    value = request_body.parsed(sent.content, sent.media_type, lines) if is_yaml else sent.take_value()
    looks = validation is not FieldValidation.IGNORE and not is_yaml
    text = sent.content if looks and not duplicate_fields.is_free(sent.content, value) else b""
    try:
        message, unknown = decode(value, kind, of_status=of_status)
    except BadRequest as error:
        raise _refused(kind, error.message, error.causes) from error
    if validation is FieldValidation.IGNORE:
        return Read(message)
    words = duplicate_fields.described(text, unknown, None)
    if validation is FieldValidation.STRICT and (lines or words):
        told = ["yaml: unmarshal errors:\n  " + "\n  ".join(lines)] if lines else []
        raise _refused(kind, f"strict decoding error: {', '.join([*told, *words])}")
    return Read(message, [*lines, *words])


def _read_protobuf(sent: Body, kind: Kind, of_status: bool) -> Read:
    """Of it, every field is known, and none is there twice."""
    envelope = sent.take_envelope(kind)
    try:
        codec.settle(envelope.message, envelope.said, kind, of_status=of_status)
    except BadRequest as error:
        raise _refused(kind, error.message, error.causes) from error
    return Read(envelope.message)


def _refused(kind: Kind, why: str, causes: Sequence[Cause] = ()) -> BadRequest:
    return BadRequest(
        f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: {why}', causes=causes
    )


async def read_patch(
    request: web.BaseRequest,
    kind: Kind,
    validation: FieldValidation,
    *,
    of_status: bool = False,
    decode: Decode = codec.from_dict_leniently,
) -> ReadPatch:
    """The patch, of objects of the kind, that the body is; `decode` makes the object of what it results in.

    Raises BadRequest, RequestTooLarge, UnsupportedMediaType.
    """
    sent = request_body.received(request)
    parse = partial(patch.parse, _patch_type(sent.media_type), sent.content, kind, of_status=of_status, decode=decode)
    if len(sent.content) > _LARGE_BYTES:
        return await asyncio.to_thread(_read_patch, sent, validation, parse)
    return _read_patch(sent, validation, parse)


def _read_patch(sent: Body, validation: FieldValidation, parse: Callable[[], patch.Patch]) -> ReadPatch:
    parsed = parse()
    if validation is FieldValidation.IGNORE:
        return ReadPatch(parsed, validation, [])
    return ReadPatch(parsed, validation, duplicate_fields.described(sent.content, (), parsed.content))


async def read_configuration(request: web.BaseRequest, validation: FieldValidation) -> ReadConfiguration:
    """What the body wants applied. Raises BadRequest, RequestTooLarge."""
    sent = request_body.received(request)
    if len(sent.content) > _LARGE_BYTES:
        return await asyncio.to_thread(_read_configuration, sent, validation)
    return _read_configuration(sent, validation)


def _read_configuration(sent: Body, validation: FieldValidation) -> ReadConfiguration:
    """JSON, which most clients send, is YAML that is read a hundred times as fast."""
    lines: list[str] = []
    is_json = sent.content.lstrip().startswith(b"{")
    form = request_body.JSON if is_json else request_body.YAML[0]
    try:
        value = request_body.parsed(sent.content, form, lines)
    except BadRequest as error:
        raise BadRequest(f"error decoding YAML: {error.message}") from error
    if not isinstance(value, dict):
        raise BadRequest(f"error decoding YAML: expected an object, found {described(value)}")
    if validation is FieldValidation.IGNORE:
        return ReadConfiguration(value)
    words = [*lines, *(duplicate_fields.described(sent.content, (), value) if is_json else ())]
    if validation is FieldValidation.STRICT and words:
        raise BadRequest("error strict decoding YAML: yaml: unmarshal errors:\n  " + "\n  ".join(words))
    return ReadConfiguration(value, words)


def _patch_type(form: str) -> pb.PatchType.ValueType:
    """Unspecified for what is no patch: refused where patches are parsed."""
    found = (number for number, name in patch.MEDIA_TYPES.items() if name == form)
    return next(found, pb.PATCH_TYPE_UNSPECIFIED)


async def delete_options(request: web.BaseRequest) -> Any:
    """DeleteOptions that the body says; None when there is no body. Raises BadRequest, UnsupportedMediaType."""
    sent = request_body.received(request)
    if not sent.content:
        return None
    is_protobuf = sent.media_type == protobuf.MEDIA_TYPE
    return sent.take_envelope(kinds.of(DeleteOptions)).data() if is_protobuf else sent.take_value()


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
