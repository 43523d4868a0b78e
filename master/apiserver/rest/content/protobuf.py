"""Bodies in Kubernetes' protobuf form, as typed Go clients and kubectl's generators send them. Pure.

Our messages have Kubernetes' field numbers, so that such a body is read as it is. Go writes every field, empty ones
too; what is not empty and not known is refused, for its name is not in the bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from google.protobuf import empty_pb2
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from podlab.api import codec, weight
from podlab.api.kinds import Kind
from podlab.api.unsupported import NAMES_BY_NUMBER
from podlab.errors import BadRequest

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
# Of runtime.Unknown, the envelope: the object's own bytes; and of its typeMeta: apiVersion and kind.
_TYPE_META, _RAW = 1, 2
_API_VERSION, _KIND = 1, 2
# How a field's value is written: https://protobuf.dev/programming-guides/encoding/
_VARINT, _LENGTH_DELIMITED, _VARINT_BYTES = 0, 2, 10
_TIMES = frozenset({"podlab.meta.v1.Time", "podlab.meta.v1.MicroTime"})


def read(body: bytes, kind: Kind) -> dict[str, Any]:
    """The object as JSON's data. Raises BadRequest, RequestTooLarge."""
    try:
        envelope = _opened(body)
        described = dict(_fields(envelope.get(_TYPE_META, b"")))
        message = kind.message.FromString(envelope[_RAW])
        weight.check_message(message)
        _settle(message, kind.name)
    except DecodeError as error:
        raise BadRequest(f"the body of the request is malformed protobuf: {error}") from error
    data = codec.to_dict(message)
    for number, name in ((_API_VERSION, "apiVersion"), (_KIND, "kind")):
        if described.get(number):
            data[name] = described[number].decode(errors="replace")
    return data


def _unknown(message: Message) -> Iterator[Any]:
    # It can be iterated over, which its published types do not say.
    yield from cast("Any", UnknownFieldSet(message))


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    for field in _unknown(empty_pb2.Empty.FromString(data)):
        if isinstance(field.data, bytes):
            yield field.field_number, field.data


def _opened(body: bytes) -> dict[int, bytes]:
    """The envelope's fields."""
    if not body.startswith(_MAGIC):
        raise BadRequest("the body of the request is not Kubernetes' protobuf: it does not begin with its mark, k8s")
    envelope = dict(_fields(body[len(_MAGIC) :]))
    if _RAW not in envelope:
        raise BadRequest("the body of the request is malformed protobuf: there is no object in its envelope")
    return envelope


def _settle(message: Message, path: str) -> None:
    """Refuse what is not known, and take out times that Go wrote though they are not set."""
    for field in _unknown(message):
        if not _is_empty(field.data):
            raise _refusal(message, field.field_number, path)
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        if descriptor.message_type.full_name in _TIMES and not descriptor.is_repeated and not value.ListFields():
            message.ClearField(descriptor.name)
            continue
        is_map = descriptor.message_type.GetOptions().map_entry
        parts = list(value.values()) if is_map else list(value) if descriptor.is_repeated else [value]
        for part in parts:
            if isinstance(part, Message):
                _settle(part, f"{path}.{descriptor.name}")


def _refusal(message: Message, number: int, path: str) -> BadRequest:
    name = NAMES_BY_NUMBER.get((message.DESCRIPTOR.full_name, number))
    if name is not None:
        return BadRequest(f"{path}.{name}: not supported by Podlab: remove the field")
    return BadRequest(
        f"{path}: field number {number} of Kubernetes' {message.DESCRIPTOR.name} is not supported by Podlab: "
        "remove the field, or send JSON to learn its name"
    )


def _is_empty(data: Any) -> bool:
    """Whether Go would write this for a field that nobody has set: zeros, however deep they are wrapped."""
    if not isinstance(data, bytes):
        return not data if isinstance(data, int) else False
    at, ends = 0, [len(data)]
    while ends:
        if at == ends[-1]:
            ends.pop()
            continue
        tag, at = _varint(data, at)
        value, at = _varint(data, at)
        if at > ends[-1]:
            return False
        if tag & 7 == _LENGTH_DELIMITED and at + value <= ends[-1]:
            ends.append(at + value)
        elif tag & 7 != _VARINT or value:
            return False
    return True


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins there, and where it ends: beyond the data when it does not end."""
    number = 0
    for shift in range(0, 7 * _VARINT_BYTES, 7):
        if at >= len(data):
            break
        byte, at = data[at], at + 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    return number, len(data) + 1
