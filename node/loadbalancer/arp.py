"""ARP packets for IPv4 over Ethernet (RFC 826, RFC 5227), as they are on the wire. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

ETHERTYPE: Final = 0x0806
BROADCAST: Final = b"\xff" * 6
NOBODY: Final = bytes(6)
REQUEST, REPLY = 1, 2
_UNSPECIFIED: Final = IPv4Address(0)
_ETHERNET: Final = struct.Struct("!6s6sH")
# Hardware and protocol type, their lengths, operation, and (MAC, address) of sender and target.
_PACKET: Final = struct.Struct("!HHBBH6s4s6s4s")
_HEAD: Final = (1, 0x0800, 6, 4)


@dataclass(frozen=True)
class Arp:
    """`operation` is REQUEST or REPLY."""

    operation: int
    sender_mac: bytes
    sender: IPv4Address
    target_mac: bytes
    target: IPv4Address


def parse(frame: bytes) -> Arp | None:
    """None for what is no such packet."""
    if len(frame) < _ETHERNET.size + _PACKET.size:
        return None
    ethertype = _ETHERNET.unpack_from(frame)[2]
    *head, operation, sender_mac, sender, target_mac, target = _PACKET.unpack_from(frame, _ETHERNET.size)
    if ethertype != ETHERTYPE or tuple(head) != _HEAD:
        return None
    return Arp(operation, sender_mac, IPv4Address(sender), target_mac, IPv4Address(target))


def reply(question: Arp, own_mac: bytes) -> bytes:
    """The answer to whoever asks for an address, which `own_mac` has."""
    answer = Arp(REPLY, own_mac, question.target, question.sender_mac, question.sender)
    return _frame(answer, question.sender_mac)


def announcements(address: IPv4Address, own_mac: bytes) -> tuple[bytes, bytes]:
    """Tells all neighbours that `own_mac` has the address now, in both forms: some heed only one of them."""
    return (
        _frame(Arp(REQUEST, own_mac, address, NOBODY, address), BROADCAST),
        _frame(Arp(REPLY, own_mac, address, BROADCAST, address), BROADCAST),
    )


def probe(address: IPv4Address, own_mac: bytes) -> bytes:
    """Asks whether anybody has the address, without saying that we do."""
    return _frame(Arp(REQUEST, own_mac, _UNSPECIFIED, NOBODY, address), BROADCAST)


def _frame(packet: Arp, to: bytes) -> bytes:
    return _ETHERNET.pack(to, packet.sender_mac, ETHERTYPE) + _PACKET.pack(
        *_HEAD,
        packet.operation,
        packet.sender_mac,
        packet.sender.packed,
        packet.target_mac,
        packet.target.packed,
    )
