"""DNS messages: questions as they are sent, and what replies say. Pure.

RFC 1035, section 4; EDNS is RFC 6891.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import ip_address

from node.dns.record import TYPES, Record, name_to_wire

NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
ANSWER, AUTHORITY, ADDITIONAL = 0, 1, 2
_OPT = 41
_IN = 1
_RECURSION_DESIRED, _TRUNCATED, _AUTHORITATIVE = 0x0100, 0x0200, 0x0400
_HEADER = struct.Struct("!HHHHHH")
_NAMES = {number: name for name, number in TYPES.items()}


@dataclass(frozen=True)
class Found:
    """A record as it was answered."""

    name: str
    record: Record
    ttl_s: int


@dataclass(frozen=True)
class Reply:
    """`edns` is the size in bytes that the server takes, 0 without EDNS."""

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


def question(number: int, name: str, kind: str, *, edns: int = 0) -> bytes:
    """A query. `number` tells its reply from others. Raises BadName where DNS cannot hold the name."""
    query = _HEADER.pack(number, _RECURSION_DESIRED, 1, 0, 0, 1 if edns else 0)
    query += name_to_wire(name) + struct.pack("!HH", TYPES[kind], _IN)
    if edns:
        query += b"\0" + struct.pack("!HHIH", _OPT, edns, 0, 0)
    return query


def read(message: bytes) -> Reply:
    """A whole message. Raises ValueError where it is cut off or none; records of unknown types are left out."""
    try:
        return _read(message)
    except (struct.error, IndexError) as error:
        raise ValueError(f"{len(message)} bytes that are no DNS message: {error}") from error


def _read(message: bytes) -> Reply:
    _, flags, questions, *counts = _HEADER.unpack_from(message)
    at = _HEADER.size
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
            if number == _OPT:
                edns = size
            elif number in _NAMES:
                found.append(Found(name, Record(_NAMES[number], _data(message, at, length, _NAMES[number])), ttl_s))
            at += length
        sections.append(tuple(found))
    whole = (sections[0], sections[1], sections[2])
    return Reply(flags & 15, bool(flags & _TRUNCATED), bool(flags & _AUTHORITATIVE), whole, edns)


def _data(message: bytes, at: int, length: int, kind: str) -> str:
    if kind in ("A", "AAAA"):
        return str(ip_address(message[at : at + length]))
    if kind == "TXT":
        return message[at + 1 : at + length].decode(errors="replace")
    if kind == "SRV":
        numbers = struct.unpack_from("!HHH", message, at)
        return " ".join([*map(str, numbers), _name(message, at + 6)[0]])
    if kind == "SOA":
        server, at = _name(message, at)
        mailbox, at = _name(message, at)
        return " ".join([server, mailbox, *map(str, struct.unpack_from("!IIIII", message, at))])
    return _name(message, at)[0]


def _name(message: bytes, at: int) -> tuple[str, int]:
    """The name that stands there, and where what follows it stands. A reference leads back, never on."""
    labels: list[str] = []
    behind, limit = 0, at
    while message[at]:
        if message[at] >= 0xC0:
            behind = behind or at + 2
            at = struct.unpack_from("!H", message, at)[0] & 0x3FFF
            if at >= limit:
                raise IndexError("a name that refers to itself or to what follows")
            limit = at
            continue
        labels.append(message[at + 1 : at + 1 + message[at]].decode(errors="replace"))
        at += 1 + message[at]
    return ".".join(labels), behind or at + 1
