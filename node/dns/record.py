"""DNS records as values, and their wire form. Pure.

Names are lower case and without the dot at the end: `web.default.svc.cluster.local`. RFC 1035, section 3.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

LABEL_MAX = 63
NAME_MAX = 253
"""Characters of a name in text: its 255 bytes on the wire count one more at each end."""

TYPES: Mapping[str, int] = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "TXT": 16, "AAAA": 28, "SRV": 33}


class BadName(ValueError):
    """A name that DNS cannot hold; the message says why."""


@dataclass(frozen=True, order=True, slots=True)  # there are four for each Service
class Record:
    """`type` is one of TYPES; `data` is in the form of zone files, its names without the dot at the end."""

    type: str
    data: str


Records = Mapping[str, frozenset[Record]]
"""Names, each with its records. A name without any exists all the same: questions for it get no data, not NXDOMAIN."""


def address(text: str) -> Record:
    """The A or AAAA record of an IP address. Raises ValueError where it is none."""
    parsed = ip_address(text)
    return Record("A" if parsed.version == 4 else "AAAA", str(parsed))


def reverse_name(text: str) -> str:
    """Where the PTR record of an IP address stands. Raises ValueError where it is none."""
    return ip_address(text).reverse_pointer


def name_to_wire(name: str) -> bytes:
    """Length-prefixed labels. Raises BadName where a label or the name is empty or too long."""
    if len(name) > NAME_MAX:
        raise BadName(f"{name[:40]}...: a name of {len(name)} characters, where DNS allows {NAME_MAX}")
    wire = bytearray()
    for label in name.split("."):
        encoded = label.encode()
        if not 0 < len(encoded) <= LABEL_MAX:
            raise BadName(f"{name}: a label has {len(encoded)} characters, where DNS allows 1 to {LABEL_MAX}")
        wire.append(len(encoded))
        wire += encoded
    return bytes(wire) + b"\0"


def data_to_wire(record: Record) -> bytes:
    """The record's data. Raises BadName as `name_to_wire`, ValueError where the text is not of the type's form."""
    words = record.data.split()
    match record.type:
        case "A":
            return IPv4Address(record.data).packed
        case "AAAA":
            return IPv6Address(record.data).packed
        case "CNAME" | "NS" | "PTR":
            return name_to_wire(record.data)
        case "TXT":
            encoded = record.data.encode()
            return bytes([len(encoded)]) + encoded
        case "SRV":
            priority, weight, port, target = words
            return struct.pack("!HHH", int(priority), int(weight), int(port)) + name_to_wire(target)
        case "SOA":
            server, mailbox, *numbers = words
            return name_to_wire(server) + name_to_wire(mailbox) + struct.pack("!IIIII", *map(int, numbers))
    raise ValueError(f"{record.type}: not one of the types {', '.join(TYPES)}")
