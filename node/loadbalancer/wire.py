"""Raw sockets on one interface: ARP, neighbour discovery and heartbeats, and nothing else of what passes there."""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Collection
from contextlib import ExitStack
from ipaddress import IPv6Address
from typing import Final

from node.loadbalancer import arp, heartbeat, ndp
from node.loadbalancer.links import Link

# linux/if_packet.h
_SOL_PACKET: Final = 263
_PACKET_ADD_MEMBERSHIP: Final = 1
_PACKET_MR_MULTICAST: Final = 0
_MEMBERSHIP: Final = struct.Struct("@iHH8s")
_IPV6_MEMBERSHIP: Final = struct.Struct("@16sI")
# linux/filter.h, asm/socket.h: of IPv6 the kernel is to hand on solicitations and advertisements alone.
_SO_ATTACH_FILTER: Final = 26
_LOAD_BYTE, _JUMP_EQUAL, _RETURN = 0x30, 0x15, 0x06
_FILTER: Final = b"".join(
    struct.pack("@HBBI", *instruction)
    for instruction in (
        (_LOAD_BYTE, 0, 0, ndp.NEXT_HEADER_AT),
        (_JUMP_EQUAL, 0, 4, ndp.ICMPV6),
        (_LOAD_BYTE, 0, 0, ndp.TYPE_AT),
        (_JUMP_EQUAL, 1, 0, ndp.SOLICITATION),
        (_JUMP_EQUAL, 0, 1, ndp.ADVERTISEMENT),
        (_RETURN, 0, 0, 0xFFFF),
        (_RETURN, 0, 0, 0),
    )
)
_FRAME_BYTES: Final = 2048
_READS_AT_ONCE: Final = 256


class Wire:
    """`link` as it was when it was opened. Raises OSError: the interface may go at any time. `close` in the end.

    `families` are those of the addresses that are to be answered for: a kernel may be without IPv6.
    """

    def __init__(self, link: Link, families: Collection[str]) -> None:
        self.link = link
        self._groups: dict[IPv6Address, bytes] = {}
        self._member: socket.socket | None = None
        with ExitStack() as opened:
            self._arp = opened.enter_context(_socket(link, arp.ETHERTYPE))
            self.neighbours = [self._arp]
            if "IPv6" in families:
                self.neighbours.append(opened.enter_context(_socket(link, ndp.ETHERTYPE, _FILTER)))
                self._member = opened.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
            self.beats = opened.enter_context(_socket(link, heartbeat.ETHERTYPE))
            asked = _MEMBERSHIP.pack(link.index, _PACKET_MR_MULTICAST, len(heartbeat.GROUP), heartbeat.GROUP)
            self.beats.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, asked)
            self._opened = opened.pop_all()

    def close(self) -> None:
        self._opened.close()

    def listen_for(self, addresses: Collection[str]) -> None:
        """Joins the groups that neighbours ask in for those that are of IPv6, and leaves all others. Raises OSError."""
        if self._member is None:
            return
        wanted = {ndp.group_of(IPv6Address(each)) for each in addresses if ":" in each}
        for group in self._groups.keys() - wanted:
            self._member.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP, self._groups.pop(group))
        for group in wanted - self._groups.keys():
            membership = _IPV6_MEMBERSHIP.pack(group.packed, self.link.index)
            self._member.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
            self._groups[group] = membership

    def send(self, frame: bytes) -> None:
        """What has no room in the interface's queue is lost, as frames are."""
        try:
            self._arp.send(frame)
        except BlockingIOError:
            return


def received(source: socket.socket) -> list[bytes]:
    """The frames that others have sent, at most some hundreds. Raises OSError."""
    frames = []
    for _ in range(_READS_AT_ONCE):
        try:
            frame, (_, _, kind, *_) = source.recvfrom(_FRAME_BYTES)
        except BlockingIOError:
            break
        if kind != socket.PACKET_OUTGOING:
            frames.append(frame)
    return frames


def _socket(link: Link, ethertype: int, instructions: bytes = b"") -> socket.socket:
    """Of frames of the type, those that the filter's instructions let through."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # nothing is received before it is bound
    try:
        made.setblocking(False)
        if instructions:
            kept = ctypes.create_string_buffer(instructions)
            program = struct.pack("@HP", len(instructions) // 8, ctypes.addressof(kept))
            made.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
        made.bind((link.name, ethertype))
    except OSError:
        made.close()
        raise
    return made
