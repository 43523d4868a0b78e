"""Custom objects to and from JSON: their metadata is typed, and all the rest of them is JSON already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import orjson
from google.protobuf.message import Message

from podlab.api.serializer.decoding import UNKNOWN_FIELD, Problems, decoder
from podlab.api.serializer.encoding import encoder
from podlab.api.values.jsonvalues import Json, described
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.errors import BadRequest, bounded
from podlab.meta.v1.meta_pb2 import ObjectMeta

M = TypeVar("M", bound=Message)
_TYPED = ("apiVersion", "kind", "metadata")
_METADATA = ObjectMeta.DESCRIPTOR
_EMPTY = b"{}"


def content(obj: Custom) -> dict[str, Json]:
    """All but apiVersion, kind and metadata; the caller's own. Raises BadRequest for what is no JSON object."""
    try:
        found = orjson.loads(obj.content or _EMPTY)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"content: malformed JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadRequest(f"content: expected an object, found {described(found)}")
    return found


def set_content(obj: Custom, fields: Mapping[str, Json]) -> None:
    """What `content` is from now on. Raises BadRequest for what cannot be kept as JSON."""
    obj.content = _dumped({name: value for name, value in fields.items() if name not in _TYPED})


def to_dict(obj: Custom) -> dict[str, Json]:
    """The object as Kubernetes' JSON."""
    return {**_head(obj), **content(obj)}


def to_json(obj: Custom) -> bytes:
    """The same, as text: what is JSON already is not read again."""
    head = orjson.dumps(_head(obj))
    return head if obj.content in (b"", _EMPTY) else b"".join((head[:-1], b",", obj.content[1:]))


def from_dict(data: Mapping[str, Json], api_version: str, kind: str) -> tuple[Custom, list[str]]:
    """The object, and the paths of metadata that nobody knows. Raises BadRequest for metadata of wrong types."""
    found = Problems()
    metadata = decoder(_METADATA)(data.get("metadata") or {}, (None, "metadata"), found)
    unknown = [cause.field for cause in found if cause.message.startswith(UNKNOWN_FIELD)]
    if wrong := [cause for cause in found if not cause.message.startswith(UNKNOWN_FIELD)]:
        causes = bounded(wrong, found.more)
        raise BadRequest("; ".join(map(str, causes)), causes=causes)
    try:
        made = Custom(metadata=_made(ObjectMeta, metadata), api_version=api_version, kind=kind)
    except UnicodeEncodeError as error:
        raise BadRequest(f"text that is not valid Unicode: {described(error.object)}") from error
    set_content(made, data)
    return made, unknown


def _made(message: type[M], fields: Mapping[str, object]) -> M:
    return message(**fields)


def _head(obj: Custom) -> dict[str, Json]:
    return {"apiVersion": obj.api_version, "kind": obj.kind, "metadata": encoder(_METADATA)(obj.metadata)}


def _dumped(value: Json) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise BadRequest(f"it cannot be kept as JSON: {error}") from error
