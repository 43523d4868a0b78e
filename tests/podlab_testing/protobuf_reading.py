"""Kubernetes' protobuf form, as clients send it and take it apart: envelopes, lists, events of watches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import aiohttp
from google.protobuf.message import Message

from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.meta.v1 import meta_pb2
from podlab_testing.wire_format import blob

PROTOBUF = "application/vnd.kubernetes.protobuf"
MARK = b"k8s\x00"


def fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Those that are messages, texts or bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        size, at = _varint(data, at)
        if tag & 7 == 2:
            yield tag >> 3, data[at : at + size]
            at += size


def opened(body: bytes) -> tuple[str, str, bytes]:
    """apiVersion, kind, and the object's own bytes."""
    assert body[:4] == MARK, body[:200]
    envelope = dict(fields(body[4:]))
    said = dict(fields(envelope[1]))
    return said[1].decode(), said[2].decode(), envelope[2]


def items(raw: bytes) -> tuple[meta_pb2.ListMeta, list[bytes]]:
    """A list's metadata, and the bytes of its objects."""
    (_, metadata), *rest = fields(raw)
    return meta_pb2.ListMeta.FromString(metadata), [item for number, item in rest if number == 2]


def enveloped(kind: Kind, data: dict[str, Any]) -> bytes:
    """The object as the body of a request."""
    return enclosed(kind.api_version, kind.name, codec.from_dict(data, kind))


def enclosed(api_version: str, name: str, message: Message) -> bytes:
    """The message in an envelope that says what it is."""
    return MARK + blob(1, blob(1, api_version), blob(2, name)) + blob(2, message.SerializeToString())


async def event(response: aiohttp.ClientResponse) -> tuple[str, str, bytes]:
    """One event of a watch: its type, and the kind and bytes of its object."""
    size = int.from_bytes(await response.content.readexactly(4), "big")
    told = dict(fields(await response.content.readexactly(size)))
    _, kind, raw = opened(dict(fields(told[2]))[1])
    return told[1].decode(), kind, raw


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number, at, shift = number | (byte & 0x7F) << shift, at + 1, shift + 7
        if byte < 0x80:
            return number, at
