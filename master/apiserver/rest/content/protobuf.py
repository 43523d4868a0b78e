"""Bodies in Kubernetes' protobuf form, as typed Go clients and kubectl's generators send them. Pure.

Our messages have Kubernetes' field numbers, so that such a body is read as it is. Go writes every field, empty ones
too; what is not empty and not known is refused, for its name is not in the bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import empty_pb2
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from master.apiserver.rest.content import negotiation
from podlab.api.kinds import Kind
from podlab.api.serializer import codec, weight
from podlab.errors import BadRequest

MEDIA_TYPE = negotiation.PROTOBUF
MAGIC = b"k8s\x00"
# Of runtime.Unknown, the envelope: the object's own bytes; and of its typeMeta: apiVersion and kind.
TYPE_META, RAW = 1, 2
API_VERSION, KIND = 1, 2
# How a field's value is written: https://protobuf.dev/programming-guides/encoding/
_VARINT, _LENGTH_DELIMITED, _VARINT_BYTES = 0, 2, 10


@dataclass(frozen=True, slots=True)
class ReceivedObject:
    """An object, and what its sender calls it: apiVersion and kind, as far as it says."""

    message: Message
    said: Mapping[str, str]

    def data(self) -> dict[str, Any]:
        """The object as JSON's data."""
        return {**codec.to_dict(self.message), **self.said}


def read(body: bytes, kind: Kind) -> ReceivedObject:
    """The object as it was sent, of which everything is known. Raises BadRequest, RequestTooLarge."""
    try:
        fields = opened(body)
        said = dict(fields_of(fields.get(TYPE_META, b"")))
        message = _known(fields[RAW], kind)
    except DecodeError as error:
        raise BadRequest(f"the body of the request is malformed protobuf: {error}") from error
    names = ((API_VERSION, "apiVersion"), (KIND, "kind"))
    return ReceivedObject(
        message, {name: said[field].decode(errors="replace") for field, name in names if said.get(field)}
    )


def _known(raw: bytes, kind: Kind) -> Message:
    """The message; what Go writes of fields that Podlab lacks is left out when it says nothing. Raises BadRequest."""
    message = kind.message.FromString(raw)
    weight.check_message(message)
    size_bytes = message.ByteSize()
    message.DiscardUnknownFields()  # type: ignore[no-untyped-call,unused-ignore]
    if message.ByteSize() != size_bytes:
        _refuse_unknown(kind.message.FromString(raw), kind.name)
    return message


def _unknown(message: Message) -> Iterator[Any]:
    fields = UnknownFieldSet(message)
    # Its published types do not say that it can be iterated over.
    yield from (fields[index] for index in range(len(fields)))


def fields_of(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The numbers and bytes of a message's fields that are messages, texts or bytes. Raises DecodeError."""
    for field in _unknown(empty_pb2.Empty.FromString(data)):
        if isinstance(field.data, bytes):
            yield field.field_number, field.data


def opened(body: bytes) -> dict[int, bytes]:
    """The fields of the envelope that an object comes in. Raises BadRequest, DecodeError."""
    if not body.startswith(MAGIC):
        raise BadRequest("the body of the request is not Kubernetes' protobuf: it does not begin with its mark, k8s")
    envelope = dict(fields_of(body[len(MAGIC) :]))
    if RAW not in envelope:
        raise BadRequest("the body of the request is malformed protobuf: there is no object in its envelope")
    return envelope


def _refuse_unknown(message: Message, path: str) -> None:
    """Raises BadRequest for what is not known and says something."""
    for field in _unknown(message):
        if not _is_empty(field.data):
            raise _refusal(message, field.field_number, path)
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        is_map = descriptor.message_type.GetOptions().map_entry
        parts = list(value.values()) if is_map else list(value) if descriptor.is_repeated else [value]
        for part in parts:
            if isinstance(part, Message):
                _refuse_unknown(part, f"{path}.{descriptor.name}")


def _refusal(message: Message, number: int, path: str) -> BadRequest:
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
