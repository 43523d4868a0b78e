"""Raw sockets on one interface: ARP and heartbeats, and nothing else of what passes there."""

from __future__ import annotations

import socket
import struct
from contextlib import ExitStack
from typing import Final

from node.loadbalancer import arp, heartbeat
from node.loadbalancer.links import Link

# linux/if_packet.h
_SOL_PACKET: Final = 263
_PACKET_ADD_MEMBERSHIP: Final = 1
_PACKET_MR_MULTICAST: Final = 0
_MEMBERSHIP: Final = struct.Struct("@iHH8s")
_FRAME_BYTES: Final = 2048
_READS_AT_ONCE: Final = 256


class Wire:
    """`link` as it was when it was opened. Raises OSError: the interface may go at any time. `close` in the end."""

    def __init__(self, link: Link) -> None:
        self.link = link
        with ExitStack() as opened:
            self.arp = opened.enter_context(_socket(link, arp.ETHERTYPE))
            self.beats = opened.enter_context(_socket(link, heartbeat.ETHERTYPE))
            asked = _MEMBERSHIP.pack(link.index, _PACKET_MR_MULTICAST, len(heartbeat.GROUP), heartbeat.GROUP)
            self.beats.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, asked)
            self._opened = opened.pop_all()

    def close(self) -> None:
        self._opened.close()

    def send(self, frame: bytes) -> None:
        """What has no room in the interface's queue is lost, as frames are."""
        try:
            self.arp.send(frame)
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


def _socket(link: Link, ethertype: int) -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethertype))
    try:
        made.setblocking(False)
        made.bind((link.name, ethertype))
    except OSError:
        made.close()
        raise
    return made
