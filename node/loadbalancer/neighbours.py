"""What neighbours on a segment ask and say about addresses: by ARP for IPv4, by neighbour discovery for IPv6. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address

from node.loadbalancer import arp, ndp


@dataclass(frozen=True)
class Word:
    """Of a neighbour that has `mac`: he says that he has the address `claimed`, and asks who has `asked`.

    Either may be empty. `reply` makes the answer of whoever has that address, of his MAC.
    """

    mac: bytes
    claimed: str
    asked: str
    reply: Callable[[bytes], bytes]


def heard(frame: bytes) -> Word | None:
    """None for what is neither."""
    if (packet := arp.parse(frame)) is not None:
        question = packet.operation == arp.REQUEST and packet.sender != packet.target
        return Word(
            packet.sender_mac,
            str(packet.sender),
            str(packet.target) if question else "",
            lambda own_mac: arp.reply(packet, own_mac),
        )
    if (said := ndp.parse(frame)) is not None:
        question = said.kind == ndp.SOLICITATION
        claimed = said.source if question else said.target
        return Word(
            said.mac, str(claimed), str(said.target) if question else "", lambda own_mac: ndp.reply(said, own_mac)
        )
    return None


def announcements(address: str, own_mac: bytes) -> tuple[bytes, ...]:
    """Tell all neighbours that `own_mac` has the address now."""
    found = ip_address(address)
    if isinstance(found, IPv4Address):
        return arp.announcements(found, own_mac)
    return (ndp.announcement(found, own_mac),)


def probe(address: str, own_mac: bytes) -> bytes:
    """Asks whether anybody has the address, without saying that we do."""
    found = ip_address(address)
    return arp.probe(found, own_mac) if isinstance(found, IPv4Address) else ndp.probe(found, own_mac)
