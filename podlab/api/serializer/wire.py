"""Protobuf's wire format, as far as messages are put together of encoded parts.

https://protobuf.dev/programming-guides/encoding/
"""

LENGTH_DELIMITED = 2


def varint(number: int) -> bytes:
    """A length as protobuf writes it."""
    if number < 0x80:
        return bytes((number,))
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def tag(field_number: int) -> bytes:
    """What stands before the length of a field that holds a message, bytes or a string."""
    return varint(field_number << 3 | LENGTH_DELIMITED)


def length_delimited(field_tag: bytes, value: bytes) -> bytes:
    """Such a field."""
    return b"".join((field_tag, varint(len(value)), value))
