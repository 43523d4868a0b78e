"""Answers in Kubernetes' protobuf form. Pure.

Our messages are Kubernetes' own on the wire, so that an object's bytes are sent as they are kept, in Kubernetes'
envelope. https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import orjson
from google.protobuf.message import Message

from master.apiserver.rest.content import protobuf
from master.apiserver.rest.content.protobuf import MAGIC
from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.api.serializer.wire import varint
from podlab.authentication.v1 import token_pb2
from podlab.autoscaling.v1 import scale_pb2
from podlab.kinds import builtin
from podlab.meta.v1 import meta_pb2
from podlab.policy.v1 import eviction_pb2

_FIRST, _SECOND = b"\x0a", b"\x12"
_FRAME_LENGTH_BYTES = 4
# What subresources take and give: no resources of their own.
_FORMS = (scale_pb2.Scale, token_pb2.TokenRequest, eviction_pb2.Eviction)
# JSON whose protobuf form has not the shape of ours: custom kinds have none at all.
_JSON_ONLY = "podlab.apiextensions."


def is_offered(kind: Kind) -> bool:
    """Whether objects of the kind can be answered so."""
    return not kind.message.DESCRIPTOR.full_name.startswith(_JSON_ONLY)


def enveloped(api_version: str, kind: str, raw: bytes) -> bytes:
    """An object as the body of an answer, from its message's bytes."""
    return b"".join((MAGIC, _type_meta(api_version, kind), _SECOND, varint(len(raw)), raw))


def partial(message: Message) -> bytes:
    """The bytes of an object's PartialObjectMetadata."""
    return _field(_FIRST, message.metadata.SerializeToString())  # type: ignore[attr-defined]


def listed(metadata: Mapping[str, object], items: Iterable[bytes]) -> bytes:
    """The bytes of a list, from what JSON calls its metadata and the bytes of its objects."""
    head = codec.part_from_dict(metadata, meta_pb2.ListMeta).SerializeToString()
    parts = [_field(_FIRST, head)]
    for item in items:
        parts += (_SECOND, varint(len(item)), item)
    return b"".join(parts)


def event(event_type: str, body: bytes) -> bytes:
    """One event of a watch, from its object's enveloped bytes, behind the length of it all."""
    shown = _field(_SECOND, _field(_FIRST, body))
    told = _field(_FIRST, event_type.encode()) + shown
    return len(told).to_bytes(_FRAME_LENGTH_BYTES, "big") + told


def status(data: Mapping[str, object]) -> bytes:
    """A Status, enveloped, from what it is as JSON's data."""
    told = {name: value for name, value in data.items() if name not in ("kind", "apiVersion")}
    return enveloped("v1", "Status", codec.part_from_dict(told, meta_pb2.Status).SerializeToString())


def of_json(body: bytes) -> bytes | None:
    """The same answer, enveloped; None for what has no such form: tables, discovery, custom objects."""
    data = orjson.loads(body)
    named = (data.get("apiVersion"), data.get("kind")) if isinstance(data, dict) else (None, None)
    if named == ("v1", "Status"):
        return status(data)
    kind = _kinds().get(named)
    if kind is None:
        return None
    return enveloped(kind.api_version, kind.name, codec.from_dict(data, kind).SerializeToString())


def as_json(body: bytes, kind: Kind) -> bytes:
    """What the answer says of objects of the kind, or of a list of them, as JSON: for the audit log."""
    envelope = protobuf.opened(body)
    names = dict(protobuf.fields_of(envelope[protobuf.TYPE_META]))
    api_version, name = (names[number].decode() for number in (protobuf.API_VERSION, protobuf.KIND))
    if not name.endswith("List"):
        return orjson.dumps(_shown(envelope[protobuf.RAW], kind, api_version, name))
    metadata, *items = (part for _, part in protobuf.fields_of(envelope[protobuf.RAW]))
    told = {
        "kind": name,
        "apiVersion": api_version,
        "metadata": codec.part_to_dict(meta_pb2.ListMeta.FromString(metadata)),
    }
    return orjson.dumps({**told, "items": [_shown(item, kind, api_version, name[: -len("List")]) for item in items]})


def _shown(raw: bytes, kind: Kind, api_version: str, name: str) -> dict[str, object]:
    message = kind.message.FromString(raw)
    told = codec.to_dict(message) if name == kind.name else {"metadata": codec.part_to_dict(message.metadata)}  # type: ignore[attr-defined]
    return {"kind": name, "apiVersion": api_version, **told}


@cache
def _kinds() -> Mapping[tuple[object, object], Kind]:
    known = (*builtin.catalog().kinds, *map(kinds.of, _FORMS))
    return {(kind.api_version, kind.name): kind for kind in known if is_offered(kind)}


@cache
def _type_meta(api_version: str, kind: str) -> bytes:
    return _field(_FIRST, _field(_FIRST, api_version.encode()) + _field(_SECOND, kind.encode()))


def _field(tag: bytes, body: bytes) -> bytes:
    return tag + varint(len(body)) + body
