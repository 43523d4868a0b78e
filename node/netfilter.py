"""Asks the kernel's packet filter over netlink: messages, attributes, answers.

Written by hand on the socket: the library that the routes use would cost the proxy a quarter of its memory. Message
layouts: linux/netlink.h, linux/netfilter/nfnetlink.h. Blocking; for use in a thread.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator

NETLINK_NETFILTER = 12
TIMEOUT_S = 10.0
RECEIVE_BYTES = 1 << 18

REQUEST, ACK, DUMP = 0x1, 0x4, 0x300
ERROR, DONE = 0x2, 0x3
NESTED, TYPE_MASK = 0x8000, 0x3FFF

HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
FAMILY = struct.Struct("!BBH")  # family, version, resource
ATTRIBUTE = struct.Struct("=HH")  # length, type


class NetfilterSocket:
    """A context manager. Raises OSError when the kernel refuses."""

    def __enter__(self) -> NetfilterSocket:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self._socket.settimeout(TIMEOUT_S)
        self._socket.bind((0, 0))
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, kind: int, flags: int, family: int, content: bytes = b"") -> Iterator[tuple[int, bytes]]:
        """The type and the attributes of each answer. To be read to its end. Raises OSError."""
        body = FAMILY.pack(family, 0, 0) + content
        self._socket.send(HEADER.pack(HEADER.size + len(body), kind, flags, 1, 0) + body)
        while True:
            for message_type, payload in messages(self._socket.recv(RECEIVE_BYTES)):
                if message_type == ERROR:
                    number = -struct.unpack_from("=i", payload)[0]
                    if number:
                        raise OSError(number, errno.errorcode.get(number, "unknown error"))
                    return
                if message_type == DONE:
                    return
                yield message_type, payload[FAMILY.size :]


def attributes(content: bytes) -> dict[int, bytes]:
    """The content of each attribute, by its type."""
    found: dict[int, bytes] = {}
    offset = 0
    while offset + ATTRIBUTE.size <= len(content):
        length, kind = ATTRIBUTE.unpack_from(content, offset)
        found[kind & TYPE_MASK] = content[offset + ATTRIBUTE.size : offset + length]
        offset += _aligned(length)
    return found


def attribute(kind: int, content: bytes) -> bytes:
    """One attribute of a message, padded as the kernel wants it."""
    length = ATTRIBUTE.size + len(content)
    return ATTRIBUTE.pack(length, kind) + content + bytes(_aligned(length) - length)


def messages(received: bytes) -> Iterator[tuple[int, bytes]]:
    """The type and the content of each message."""
    offset = 0
    while offset + HEADER.size <= len(received):
        length, kind, *_ = HEADER.unpack_from(received, offset)
        yield kind, received[offset + HEADER.size : offset + length]
        offset += _aligned(length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
