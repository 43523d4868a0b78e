"""The kernel's table of flows, read and changed through netlink (ctnetlink).

Written by hand on the socket: the library that the routes use would cost the proxy a quarter of its memory. Message
layouts: linux/netlink.h, linux/netfilter/nfnetlink.h and nfnetlink_conntrack.h. Blocking; for use in a thread.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

NETLINK_NETFILTER = 12
TIMEOUT_S = 10.0
RECEIVE_BYTES = 1 << 18

REQUEST, ACK, DUMP = 0x1, 0x4, 0x300
ERROR, DONE = 0x2, 0x3
CONNTRACK_NEW, CONNTRACK_GET, CONNTRACK_DELETE = 0x100, 0x101, 0x102

HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
FAMILY = struct.Struct("!BBH")  # family, version, resource
ATTRIBUTE = struct.Struct("=HH")  # length, type
NESTED, TYPE_MASK = 0x8000, 0x3FFF

TUPLE_ORIGINAL, TUPLE_REPLY = 1, 2
TUPLE_IP, TUPLE_PROTOCOL = 1, 2
IP_SOURCE, IP_DESTINATION = 1, 2
PROTOCOL_NUMBER, PROTOCOL_SOURCE_PORT, PROTOCOL_DESTINATION_PORT = 1, 2, 3


# What protocols are called in rules; the others have their number.
PROTOCOLS = {1: "icmp", socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp", socket.IPPROTO_SCTP: "sctp"}


@dataclass(frozen=True)
class Flow:
    """Where the client sends to, and which endpoint answers. Ports are 0 where the protocol has none."""

    protocol: str
    source: str
    source_port: int
    destination: str
    destination_port: int
    endpoint: str  # ip:port
    original: bytes = field(default=b"", compare=False, repr=False)  # as the kernel named it


class FlowTable:
    """A context manager: a netlink socket. Raises OSError when the kernel refuses."""

    def __enter__(self) -> FlowTable:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self._socket.settimeout(TIMEOUT_S)
        self._socket.bind((0, 0))
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def flows(self) -> list[Flow]:
        """All flows over IPv4."""
        return [flow for flow in map(decode, self._ask(CONNTRACK_GET, REQUEST | DUMP)) if flow is not None]

    def end(self, flow: Flow) -> None:
        """Removes the flow, so that the rules apply to its next packet. Success when the flow has ended already."""
        try:
            list(self._ask(CONNTRACK_DELETE, REQUEST | ACK, attribute(TUPLE_ORIGINAL | NESTED, flow.original)))
        except FileNotFoundError:
            return

    def _ask(self, kind: int, flags: int, attributes: bytes = b"") -> Iterator[bytes]:
        body = FAMILY.pack(socket.AF_INET, 0, 0) + attributes
        self._socket.send(HEADER.pack(HEADER.size + len(body), kind, flags, 1, 0) + body)
        while True:
            for message_type, payload in _messages(self._socket.recv(RECEIVE_BYTES)):
                if message_type == ERROR:
                    number = -struct.unpack_from("=i", payload)[0]
                    if number:
                        raise OSError(number, errno.errorcode.get(number, "unknown error"))
                    return
                if message_type == DONE:
                    return
                if message_type == CONNTRACK_NEW:
                    yield payload[FAMILY.size :]


def decode(attributes: bytes) -> Flow | None:
    """The flow of one answer; None when it is not over IPv4."""
    found = dict(_attributes(attributes))
    named = found.get(TUPLE_ORIGINAL, b"")
    original, reply = _tuple(named), _tuple(found.get(TUPLE_REPLY, b""))
    if original is None or reply is None:
        return None
    return Flow(*original, f"{reply[1]}:{reply[2]}", named)


def _tuple(content: bytes) -> tuple[str, str, int, str, int] | None:
    """Protocol, source and its port, destination and its port."""
    parts = dict(_attributes(content))
    addresses, protocol = dict(_attributes(parts.get(TUPLE_IP, b""))), dict(_attributes(parts.get(TUPLE_PROTOCOL, b"")))
    if IP_SOURCE not in addresses:
        return None
    number = int.from_bytes(protocol.get(PROTOCOL_NUMBER, b""))
    return (
        PROTOCOLS.get(number, str(number)),
        socket.inet_ntoa(addresses[IP_SOURCE]),
        int.from_bytes(protocol.get(PROTOCOL_SOURCE_PORT, b"")),
        socket.inet_ntoa(addresses[IP_DESTINATION]),
        int.from_bytes(protocol.get(PROTOCOL_DESTINATION_PORT, b"")),
    )


def _messages(received: bytes) -> Iterable[tuple[int, bytes]]:
    offset = 0
    while offset + HEADER.size <= len(received):
        length, kind, *_ = HEADER.unpack_from(received, offset)
        yield kind, received[offset + HEADER.size : offset + length]
        offset += _aligned(length)


def _attributes(content: bytes) -> Iterable[tuple[int, bytes]]:
    offset = 0
    while offset + ATTRIBUTE.size <= len(content):
        length, kind = ATTRIBUTE.unpack_from(content, offset)
        yield kind & TYPE_MASK, content[offset + ATTRIBUTE.size : offset + length]
        offset += _aligned(length)


def attribute(kind: int, content: bytes) -> bytes:
    """One attribute of a message, padded as the kernel wants it."""
    length = ATTRIBUTE.size + len(content)
    return ATTRIBUTE.pack(length, kind) + content + bytes(_aligned(length) - length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
