"""Neighbour solicitations and advertisements of IPv6 over Ethernet (RFC 4861), as they are on the wire. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

ETHERTYPE: Final = 0x86DD
SOLICITATION, ADVERTISEMENT = 135, 136
NEXT_HEADER_AT, TYPE_AT = 20, 54
"""Where in a frame the kind of what follows the IPv6 header stands, and ICMPv6's type."""
ICMPV6: Final = 58
_HOP_LIMIT: Final = 255  # who is not a neighbour cannot send it
_UNSPECIFIED: Final = IPv6Address("::")
_ALL_NODES: Final = IPv6Address("ff02::1")
_SOLICITED_NODES: Final = int(IPv6Address("ff02::1:ff00:0"))
_SOLICITED, _OVERRIDE = 0x40000000, 0x20000000
_SOURCE_MAC, _TARGET_MAC = 1, 2  # options
_ETHERNET: Final = struct.Struct("!6s6sH")
# Version and flow, length, next header, hop limit, source, destination.
_IP: Final = struct.Struct("!IHBB16s16s")
# Type, code, checksum, flags, target.
_MESSAGE: Final = struct.Struct("!BBHI16s")
_VERSION: Final = 6 << 28


@dataclass(frozen=True)
class Ndp:
    """`kind` is SOLICITATION or ADVERTISEMENT; `mac` is the sender's, by the packet's option or else the frame's."""

    kind: int
    mac: bytes
    source: IPv6Address
    target: IPv6Address


def parse(frame: bytes) -> Ndp | None:
    """None for what is no such packet, or is not as RFC 4861, 7.1 wants it."""
    begin = _ETHERNET.size + _IP.size
    if len(frame) < begin + _MESSAGE.size:
        return None
    _, mac, ethertype = _ETHERNET.unpack_from(frame)
    version, length, following, hops, source, destination = _IP.unpack_from(frame, _ETHERNET.size)
    message = frame[begin : begin + length]
    if (ethertype, version >> 28, following, hops) != (ETHERTYPE, 6, ICMPV6, _HOP_LIMIT) or len(message) != length:
        return None
    if length < _MESSAGE.size or _checksum(source, destination, message):
        return None
    kind, code, _, _, target = _MESSAGE.unpack_from(message)
    if kind not in (SOLICITATION, ADVERTISEMENT) or code:
        return None
    wanted = _SOURCE_MAC if kind == SOLICITATION else _TARGET_MAC
    return Ndp(kind, _option(message[_MESSAGE.size :], wanted) or mac, IPv6Address(source), IPv6Address(target))


def reply(question: Ndp, own_mac: bytes) -> bytes:
    """The answer to whoever asks for an address, which `own_mac` has: to all where he has no address to answer to."""
    if question.source == _UNSPECIFIED:
        return _advertisement(question.target, own_mac, _OVERRIDE, _ALL_NODES, _group_mac(_ALL_NODES))
    return _advertisement(question.target, own_mac, _OVERRIDE | _SOLICITED, question.source, question.mac)


def announcement(address: IPv6Address, own_mac: bytes) -> bytes:
    """Tells all neighbours that `own_mac` has the address now."""
    return _advertisement(address, own_mac, _OVERRIDE, _ALL_NODES, _group_mac(_ALL_NODES))


def probe(address: IPv6Address, own_mac: bytes) -> bytes:
    """Asks whether anybody has the address, without saying that we do (RFC 4862, 5.4)."""
    group = group_of(address)
    message = _MESSAGE.pack(SOLICITATION, 0, 0, 0, address.packed)
    return _frame(own_mac, _group_mac(group), _UNSPECIFIED, group, message)


def group_of(address: IPv6Address) -> IPv6Address:
    """The multicast group that solicitations for the address are sent to (RFC 4291, 2.7.1)."""
    return IPv6Address(_SOLICITED_NODES | int(address) & 0xFFFFFF)


def _advertisement(address: IPv6Address, own_mac: bytes, flags: int, to: IPv6Address, to_mac: bytes) -> bytes:
    message = _MESSAGE.pack(ADVERTISEMENT, 0, 0, flags, address.packed) + bytes((_TARGET_MAC, 1)) + own_mac
    return _frame(own_mac, to_mac, address, to, message)


def _frame(own_mac: bytes, to_mac: bytes, source: IPv6Address, to: IPv6Address, message: bytes) -> bytes:
    checksum = _checksum(source.packed, to.packed, message)
    message = message[:2] + checksum.to_bytes(2) + message[4:]
    head = _IP.pack(_VERSION, len(message), ICMPV6, _HOP_LIMIT, source.packed, to.packed)
    return _ETHERNET.pack(to_mac, own_mac, ETHERTYPE) + head + message


def _group_mac(group: IPv6Address) -> bytes:
    """RFC 2464, 7."""
    return b"\x33\x33" + group.packed[-4:]


def _checksum(source: bytes, destination: bytes, message: bytes) -> int:
    """RFC 8200, 8.1; 0 of a message whose own is right."""
    whole = source + destination + struct.pack("!II", len(message), ICMPV6) + message + b"\0" * (len(message) % 2)
    total = sum(int.from_bytes(whole[at : at + 2]) for at in range(0, len(whole), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _option(options: bytes, wanted: int) -> bytes:
    """The MAC in the option of that type; empty where there is none."""
    while len(options) >= 8 and (length := options[1] * 8):
        if options[0] == wanted and length == 8:
            return options[2:8]
        options = options[length:]
    return b""
