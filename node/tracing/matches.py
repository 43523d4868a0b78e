"""What a rule asks of a packet: whether it is so, or is not, or depends on what only a real packet has (None). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Protocol

from node.tracing.packet import Packet

Maps = Mapping[str, Mapping[str, str]]
SOURCE, DESTINATION = "source", "destination"
ADDRESSES = (SOURCE, DESTINATION)


class Match(Protocol):
    """One thing that a rule asks."""

    def holds(self, packet: Packet, maps: Maps) -> bool | None:
        """None: it may be so. Raises ValueError for what is no address."""


@dataclass(frozen=True)
class Is:
    """One of the packet's fields is one of these: addresses, networks, ranges (a-b), numbers, names."""

    field: str
    values: tuple[str, ...]
    negated: bool = False

    def holds(self, packet: Packet, maps: Maps) -> bool | None:
        value = value_of(self.field, packet)
        if not value:
            return None
        found = any(is_within(value, each) for each in self.values)
        return found != self.negated


@dataclass(frozen=True)
class Member:
    """Fields of the packet together are an element of a set."""

    fields: tuple[str, ...]
    name: str
    negated: bool = False

    def holds(self, packet: Packet, maps: Maps) -> bool | None:
        if self.name not in maps or (values := key_of(self.fields, packet)) is None:
            return None
        return (look_up(maps[self.name], values) is not None) != self.negated


@dataclass(frozen=True)
class Local:
    """The address is one of the node's own."""

    field: str
    negated: bool = False

    def holds(self, packet: Packet, maps: Maps) -> bool | None:
        return (packet.from_node if self.field == SOURCE else packet.local) != self.negated


@dataclass(frozen=True)
class Mark:
    """The packet's mark under a mask."""

    value: int
    mask: int
    negated: bool = False

    def holds(self, packet: Packet, maps: Maps) -> bool | None:
        return (packet.mark & self.mask == self.value) != self.negated


@dataclass(frozen=True)
class State:
    """What the kernel knows of the flow: a first packet is NEW, and DNAT once a rule has changed its destination."""

    states: frozenset[str]
    negated: bool = False

    def holds(self, packet: Packet, maps: Maps) -> bool | None:
        own = {"new", "dnat"} if packet.translated else {"new"}
        return bool(own & self.states) != self.negated


@dataclass(frozen=True)
class Fixed:
    """What is so, or not so, of every first packet of a protocol."""

    protocol: str
    outcome: bool

    def holds(self, packet: Packet, maps: Maps) -> bool | None:
        return self.outcome and packet.protocol == self.protocol


@dataclass(frozen=True)
class Chance:
    """So many packets of those that come here."""

    share: float

    def holds(self, packet: Packet, maps: Maps) -> bool | None:
        return True


@dataclass(frozen=True)
class Remembered:
    """The client was here before, not long ago."""

    def holds(self, packet: Packet, maps: Maps) -> bool | None:
        return None


@dataclass(frozen=True)
class Unread:
    """What nobody here can judge, as it stands in the rule."""

    text: str

    def holds(self, packet: Packet, maps: Maps) -> bool | None:
        return None


def value_of(field: str, packet: Packet) -> str:
    """The packet's field as text; empty where it is not known."""
    found = {
        SOURCE: packet.source,
        DESTINATION: packet.destination,
        "protocol": packet.protocol,
        "port": str(packet.port) if packet.port else "",
        "coming_in": packet.coming_in,
        "going_out": packet.going_out,
        "family": "ipv6" if ":" in packet.destination else "ipv4",
    }
    return found.get(field, "")


def key_of(fields: tuple[str, ...], packet: Packet) -> list[str] | None:
    """The fields' values; None where one is not known."""
    values = [value_of(each, packet) for each in fields]
    return values if all(values) else None


def look_up(elements: Mapping[str, str], values: list[str]) -> str | None:
    """The value of the element that the packet's fields are in: itself, or networks and ranges that hold them."""
    exact = elements.get(" . ".join(values))
    if exact is not None:
        return exact
    for key, value in elements.items():
        if "-" in key or "/" in key:
            parts = key.split(" . ")
            if len(parts) == len(values) and all(map(is_within, values, parts)):
                return value
    return None


def is_within(value: str, wanted: str) -> bool:
    """Whether a field's value is the one wanted, or in the network or range. Raises ValueError for no address."""
    if value == wanted:
        return True
    if wanted.endswith(("+", "*")):  # interfaces
        return value.startswith(wanted[:-1])
    low, dash, high = wanted.partition("-")
    if dash and low[:1].isdigit():
        return _number(low) <= _number(value) <= _number(high)
    if "." in wanted or ":" in wanted:
        return ip_address(value) in _network(wanted)
    return False


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else int(ip_address(text))


@lru_cache(maxsize=4096)
def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text, strict=False)
