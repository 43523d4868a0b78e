"""Protobuf's binary form put together by hand, for tests that must not trust our own field numbers."""

from typing import Any

from google.protobuf.message import Message

from podlab.api.serializer import codec

TIME_JSON = "2023-11-14T22:13:20Z"


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    """A number or a boolean: wire type 0."""
    return varint(field << 3) + varint(value)


def blob(field: int, *parts: bytes | str) -> bytes:
    """Bytes, a string or the parts of a message: wire type 2."""
    body = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return varint(field << 3 | 2) + varint(len(body)) + body


def pair(field: int, key: str, *value: bytes | str) -> bytes:
    """One entry of a map."""
    return blob(field, blob(1, key), blob(2, *value))


def metadata(name: str, *more: bytes) -> bytes:
    """ObjectMeta, which is field 1 of every kind, with a name and more."""
    return blob(1, blob(1, name), *more)


TIME = number(1, 1_700_000_000)
# A kind, its bytes put together by hand, and the JSON that they must mean.
Case = tuple[type[Message], bytes, dict[str, Any]]


def assert_same(kind: type[Message], wire: bytes, wanted: dict[str, Any]) -> None:
    """The bytes mean what is wanted, and what they mean is written as the same bytes."""
    message = kind.FromString(wire)
    found = codec.to_dict(message)
    assert {field: found[field] for field in found if field not in ("apiVersion", "kind")} == wanted
    assert message.SerializeToString(deterministic=True) == wire
