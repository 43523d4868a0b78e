"""What nodes of a segment tell each other twice a second: that they live, and what they answer for. Pure.

A frame below IP, of the EtherType that IEEE 802 leaves to local experiments: routers do not pass it on and pods, which
are behind a router, cannot send it. Whoever can could as well answer ARP in a node's place.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

ETHERTYPE: Final = 0x88B5
GROUP: Final = bytes.fromhex("0350 4c42 0001".replace(" ", ""))
"""The multicast address, locally administered, that nodes listen at."""
Marks = Callable[[], tuple[bytes, ...]]
"""By which the nodes of a cluster know each other, now: the first one is sent."""
_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_MAGIC: Final = b"podlab-lb\x01"
_ADDRESSES_A_FRAME: Final = 70  # of up to 16 bytes, beside a name of 253, in 1500
_DECIDED, _FIT = 1, 2
_ETHERNET: Final = struct.Struct("!6s6sH")
# Magic, cluster, flags, part, parts, length of the name, number of addresses.
_HEAD: Final = struct.Struct(f"!{len(_MAGIC)}s8sBBBBH")
# Behind the addresses of IPv4: how many of IPv6 follow. Nodes of an earlier release end there, and read no further.
_COUNT: Final = struct.Struct("!H")


@dataclass(frozen=True)
class Heartbeat:
    """`holds` are the addresses that the node answers for: part `part` of `parts`.

    A node that is not `decided` has just begun and does not know yet; one that is not `fit` would rather have others
    answer.
    """

    node: str
    decided: bool
    fit: bool
    holds: frozenset[str]
    part: int = 0
    parts: int = 1


def cluster_marks(ca: bytes) -> tuple[bytes, ...]:
    """Eight bytes by which the nodes of one cluster know each other: another one may share the segment.

    One for each authority of the PEM file. The first is sent and all are known, as of one authority that takes
    another's place: every host has both before any has the new one first.
    """
    authorities = [f"{_BEGIN}{rest}".encode() for rest in ca.decode(errors="replace").split(_BEGIN)[1:]]
    return tuple(hashlib.sha256(each).digest()[:8] for each in authorities or [ca])


def frames(beat: Heartbeat, mark: bytes, own_mac: bytes) -> Iterator[bytes]:
    """As many as it takes for all its addresses."""
    held = sorted(ip_address(address).packed for address in beat.holds)
    parts = max(1, -(-len(held) // _ADDRESSES_A_FRAME))
    name = beat.node.encode()
    flags = _DECIDED * beat.decided | _FIT * beat.fit
    for part in range(parts):
        some = held[part * _ADDRESSES_A_FRAME : (part + 1) * _ADDRESSES_A_FRAME]
        four, six = ([each for each in some if len(each) == length] for length in (4, 16))
        head = _HEAD.pack(_MAGIC, mark, flags, part, parts, len(name), len(four))
        told = head + name + b"".join(four) + _COUNT.pack(len(six)) + b"".join(six)
        yield _ETHERNET.pack(GROUP, own_mac, ETHERTYPE) + told


def parse(frame: bytes, marks: Collection[bytes]) -> tuple[bytes, Heartbeat] | None:
    """The sender's MAC and what it says; None for what is not of our cluster."""
    begin = _ETHERNET.size + _HEAD.size
    if len(frame) < begin:
        return None
    _, sender, ethertype = _ETHERNET.unpack_from(frame)
    magic, whose, flags, part, parts, name_length, count = _HEAD.unpack_from(frame, _ETHERNET.size)
    end = begin + name_length + 4 * count
    if (ethertype, magic) != (ETHERTYPE, _MAGIC) or whose not in marks or len(frame) < end or part >= parts:
        return None
    holds = frozenset((*_ipv4(frame[begin + name_length : end]), *_ipv6(frame[end:])))
    try:
        node = frame[begin : begin + name_length].decode()
    except UnicodeDecodeError:
        return None
    return sender, Heartbeat(node, bool(flags & _DECIDED), bool(flags & _FIT), holds, part, parts)


def _ipv4(packed: bytes) -> Iterator[str]:
    return (str(IPv4Address(packed[at : at + 4])) for at in range(0, len(packed), 4))


def _ipv6(rest: bytes) -> Iterator[str]:
    """Of what follows the addresses of IPv4; frames of an earlier release have nothing there, or padding."""
    if len(rest) < _COUNT.size:
        return
    (count,) = _COUNT.unpack_from(rest)
    packed = rest[_COUNT.size : _COUNT.size + 16 * count]
    if len(packed) == 16 * count:
        yield from (str(IPv6Address(packed[at : at + 16])) for at in range(0, len(packed), 16))
