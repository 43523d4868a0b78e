"""A machine on a segment that asks who has an address, and waits for all who answer."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from ipaddress import IPv4Address
from types import TracebackType
from typing import Self

from node.loadbalancer import arp

ANSWER_WITHIN_S = 0.2


class ArpClient:
    """On one interface. A context manager; needs root."""

    def __init__(self, interface: str) -> None:
        with ExitStack() as opened:
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(arp.ETHERTYPE))
            self._socket = opened.enter_context(made)
            self._socket.bind((interface, arp.ETHERTYPE))
            self._mac: bytes = self._socket.getsockname()[4]
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._opened.close()

    def who_has(self, address: str, within_s: float = ANSWER_WITHIN_S) -> set[bytes]:
        """The MACs of all that answer."""
        self._socket.send(arp.probe(IPv4Address(address), self._mac))
        found: set[bytes] = set()
        until_s = time.monotonic() + within_s
        while (left_s := until_s - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            try:
                packet = arp.parse(self._socket.recv(2048))
            except TimeoutError:
                break
            if packet is None or packet.operation != arp.REPLY or packet.target_mac != self._mac:
                continue
            if str(packet.sender) == address:
                found.add(packet.sender_mac)
        return found
