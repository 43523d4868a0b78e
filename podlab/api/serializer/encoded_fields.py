"""Reads one field of an encoded object without decoding the rest of it.

A reader decodes into a message that knows that field alone, so that all others are skipped as unknown: a tenth of the
work, and nothing is kept of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

_STRING = descriptor_pb2.FieldDescriptorProto.TYPE_STRING
_MESSAGE = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
_BYTES = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
_REPEATED = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
_OPTIONAL = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
_FILE, _PART = "part.proto", "Part"


def reader(message: type[Message], path: str) -> Callable[[bytes], str]:
    """What reads the string field at a path such as `spec.nodeName`: empty where it is not set.

    Raises KeyError for a path that the message does not have.
    """
    names = path.split(".")
    part = _part_of(message, names)

    def read(encoded: bytes) -> str:
        found = part.FromString(encoded)
        for name in names:
            found = getattr(found, name)
        return str(found)

    return read


def elements_reader(number: int) -> Callable[[bytes], Sequence[bytes]]:
    """What reads the field of that number as often as it stands there, undecoded. Raises DecodeError."""
    file = descriptor_pb2.FileDescriptorProto(name=_FILE, syntax="proto3")
    file.message_type.add(name=f"{_PART}0").field.add(name="elements", number=number, label=_REPEATED, type=_BYTES)
    part = _made(file)

    def read(encoded: bytes) -> Sequence[bytes]:
        found: Any = part.FromString(encoded)
        elements: Sequence[bytes] = found.elements
        return elements

    return read


def _part_of(message: type[Message], names: list[str]) -> type[Message]:
    """A message with nothing but that path."""
    file = descriptor_pb2.FileDescriptorProto(name=_FILE, syntax="proto3")
    at = message.DESCRIPTOR
    for depth, name in enumerate(names):
        known = at.fields_by_name[name]
        field = file.message_type.add(name=f"{_PART}{depth}").field.add(
            name=name, number=known.number, label=_OPTIONAL, type=_STRING
        )
        if depth + 1 < len(names):
            if known.message_type is None:
                raise KeyError(f"{known.full_name} has no fields")
            field.type, field.type_name, at = _MESSAGE, f".{_PART}{depth + 1}", known.message_type
    return _made(file)


def _made(file: descriptor_pb2.FileDescriptorProto) -> type[Message]:
    """Its first message."""
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PART}0"))
