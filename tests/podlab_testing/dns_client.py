"""Asks DNS servers over real sockets, and reads all that they answer."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from ipaddress import ip_address

from node.dns.record import TYPES, Record, name_to_wire

NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
ANSWER, AUTHORITY, ADDITIONAL = 0, 1, 2
OPT = 41
_NAMES = {number: name for name, number in TYPES.items()}


@dataclass(frozen=True)
class Found:
    """A record as it was answered."""

    name: str
    record: Record
    ttl_s: int


@dataclass(frozen=True)
class Reply:
    """`edns` is the size that the server takes, 0 without EDNS."""

    rcode: int
    truncated: bool
    authoritative: bool
    sections: tuple[tuple[Found, ...], tuple[Found, ...], tuple[Found, ...]]
    edns: int

    @property
    def answers(self) -> list[Record]:
        return [found.record for found in self.sections[ANSWER]]

    @property
    def is_nodata(self) -> bool:
        """The name exists, and has nothing of this type."""
        soa = [found.record.type for found in self.sections[AUTHORITY]]
        return self.rcode == NOERROR and not self.sections[ANSWER] and soa == ["SOA"]


def ask(
    server: str, port: int, name: str, kind: str = "A", *, tcp: bool = False, edns: int = 0, timeout_s: float = 12.0
) -> Reply:
    """The reply of that server. Raises OSError, TimeoutError where there is none."""
    query = struct.pack("!HHHHHH", 0x1234, 0x0100, 1, 0, 0, 1 if edns else 0)
    query += name_to_wire(name) + struct.pack("!HH", TYPES[kind], 1)
    if edns:
        query += b"\0" + struct.pack("!HHIH", OPT, edns, 0, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as asking:
        asking.settimeout(timeout_s)
        asking.connect((server, port))
        asking.sendall(struct.pack("!H", len(query)) + query if tcp else query)
        return read(_read_stream(asking) if tcp else asking.recv(65535))


def _read_stream(asking: socket.socket) -> bytes:
    with asking.makefile("rb") as stream:
        (size,) = struct.unpack("!H", stream.read(2))
        return stream.read(size)


def read(message: bytes) -> Reply:
    """A whole message."""
    _, flags, questions, *counts = struct.unpack_from("!HHHHHH", message)
    at = 12
    for _ in range(questions):
        _, at = _name(message, at)
        at += 4
    sections: list[tuple[Found, ...]] = []
    edns = 0
    for count in counts:
        found: list[Found] = []
        for _ in range(count):
            name, at = _name(message, at)
            number, size, ttl_s, length = struct.unpack_from("!HHIH", message, at)
            at += 10
            if number == OPT:
                edns = size
            elif number in _NAMES:
                found.append(Found(name, Record(_NAMES[number], _data(message, at, length, _NAMES[number])), ttl_s))
            at += length
        sections.append(tuple(found))
    return Reply(flags & 15, bool(flags & 0x0200), bool(flags & 0x0400), (sections[0], sections[1], sections[2]), edns)


def _data(message: bytes, at: int, length: int, kind: str) -> str:
    if kind in ("A", "AAAA"):
        return str(ip_address(message[at : at + length]))
    if kind == "TXT":
        return message[at + 1 : at + length].decode()
    if kind == "SRV":
        numbers = struct.unpack_from("!HHH", message, at)
        return " ".join([*map(str, numbers), _name(message, at + 6)[0]])
    if kind == "SOA":
        server, at = _name(message, at)
        mailbox, at = _name(message, at)
        return " ".join([server, mailbox, *map(str, struct.unpack_from("!IIIII", message, at))])
    return _name(message, at)[0]


def _name(message: bytes, at: int) -> tuple[str, int]:
    """The name that stands there, and where what follows it stands."""
    labels: list[str] = []
    behind = 0
    while message[at]:
        if message[at] >= 0xC0:
            behind = behind or at + 2
            at = struct.unpack_from("!H", message, at)[0] & 0x3FFF
            continue
        labels.append(message[at + 1 : at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(labels), behind or at + 1
