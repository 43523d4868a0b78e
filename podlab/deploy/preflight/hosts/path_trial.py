"""The script by which hosts try how long packets may be on their way to each other; sent as text, as the probe is.

Each packet is whole or it is lost: nobody on the way may take it apart. It goes to VXLAN's port where somebody of ours
attends that (port_trial.py), and comes back; else it is an echo request, which hosts answer by
themselves. It changes nothing on the host.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

# linux/in.h, linux/in6.h: whole packets, as long as the interface takes, whatever was learnt of the path.
MTU_DISCOVER = {4: (socket.IPPROTO_IP, 10), 6: (socket.IPPROTO_IPV6, 23)}
PATH_MTU = {4: (socket.IPPROTO_IP, 14), 6: (socket.IPPROTO_IPV6, 24)}
PROBE = 3
IP_HEADER = {4: 20, 6: 40}
ECHO_REQUEST, ECHO_REPLY = {4: 8, 6: 128}, {4: 0, 6: 129}
UDP_HEADER = ICMP_HEADER = 8
SMALL_BYTES = {4: 128, 6: 128}
LEAST_BYTES = {4: 576, 6: 1280}
TRIES, ANSWER_S = 3, 0.7


class Echo:
    """Sends packets of a certain length to one address and awaits them back. A context manager."""

    def __init__(self, address: str, port: int, visitor: str) -> None:
        """A port of 0 is an echo request instead."""
        self.version = 6 if ":" in address else 4
        family = socket.AF_INET6 if self.version == 6 else socket.AF_INET
        self._icmp = port == 0
        self._name = visitor.encode()
        self._number = 0
        if self._icmp:
            protocol = socket.IPPROTO_ICMPV6 if self.version == 6 else socket.IPPROTO_ICMP
            self.link = socket.socket(family, socket.SOCK_RAW, protocol)
        else:
            self.link = socket.socket(family, socket.SOCK_DGRAM)
        self.link.setsockopt(*MTU_DISCOVER[self.version], PROBE)
        self.link.connect((address, port))
        self.told_bytes = 0

    def __enter__(self) -> Echo:
        return self

    def __exit__(self, *_: object) -> None:
        self.link.close()

    def passes(self, length: int) -> bool:
        """Whether a packet of that many bytes comes back; lost ones are sent again."""
        for _ in range(TRIES):
            self._number += 1
            content = self._content(length - IP_HEADER[self.version] - ICMP_HEADER)
            try:
                self.link.send(content)
                if self._awaited():
                    return True
            except OSError as error:
                if error.errno != errno.EMSGSIZE:
                    time.sleep(0.05)  # such as that the port is closed, said of an earlier packet
                    continue
                self.told_bytes = self.link.getsockopt(*PATH_MTU[self.version])
                if length > self.told_bytes:  # else it was said of an earlier one
                    return False
        return False

    def last(self) -> None:
        """Says that this visitor has tried all; nothing is awaited."""
        if not self._icmp:
            self.link.send(b"last " + self._name)

    def _content(self, length: int) -> bytes:
        head = b"more " + self._name + b" %d " % self._number
        content = head.ljust(length, b".")
        if not self._icmp:
            return content
        kind, number = ECHO_REQUEST[self.version], self._number & 0xFFFF
        whole = struct.pack("!BBHHH", kind, 0, 0, os.getpid() & 0xFFFF, number) + content
        return whole[:2] + struct.pack("!H", checksum(whole)) + whole[4:]

    def _awaited(self) -> bool:
        until = time.monotonic() + ANSWER_S
        mark = b"more " + self._name + b" %d " % self._number
        while True:
            left = until - time.monotonic()
            if left <= 0:
                return False
            self.link.settimeout(left)
            try:
                if mark in self.link.recv(70000)[:300]:
                    return True
            except socket.timeout:  # noqa: UP041 - its own class on the older Pythons that this must run on
                return False


def checksum(content: bytes) -> int:
    """Of the internet (RFC 1071). The kernel computes that of ICMPv6 itself."""
    if len(content) % 2:
        content += b"\0"
    total: int = sum(struct.unpack(f"!{len(content) // 2}H", content))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def way(address: str) -> dict[str, object]:
    """The interface by which the kernel sends there, its MTU, and whether without a gateway; empty when not told."""
    try:
        printed = subprocess.run(
            ["ip", "-j", "route", "get", address],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=5,
            check=True,
        )
        route = json.loads(printed.stdout.decode())[0]
        with open("/sys/class/net/" + route["dev"] + "/mtu") as file:
            return {
                "device": route["dev"],
                "mtu": int(file.read()),
                "on_link": "gateway" not in route and "via" not in route,
            }
    except (OSError, subprocess.SubprocessError, ValueError, LookupError):
        return {}


def longest(echo: Echo, most: int) -> int:
    """The length of the longest packet that passes; 0 when hardly any does."""
    if echo.passes(most):
        return most
    low, high = LEAST_BYTES[echo.version], most
    if low < echo.told_bytes < most and echo.passes(echo.told_bytes):
        return echo.told_bytes
    if not echo.passes(low):
        return 0
    while high - low > 1:
        middle = (low + high) // 2
        if echo.passes(middle):
            low = middle
        else:
            high = middle
    return most if high == most and echo.passes(most) else low


def try_path(visitor: str, target: dict[str, object]) -> dict[str, object]:
    """The target, and what is known of the path: `reached` at its port, `mtu` here, and `longest` that passes.

    `longest` is 0 where it cannot be told; `told`: somebody on the way says that longer ones do not.
    """
    address, port = str(target["address"]), int(str(target["port"]))
    known = {"device": "", "mtu": 0, "on_link": True, **way(address)}
    most = int(str(known["mtu"]))
    reached, found, told = True, 0, False
    if port:
        reached, found, told = measured(visitor, address, port, most)
    if not port or not reached:
        _, found, told = measured(visitor, address, 0, most)
    return {**target, **known, "reached": reached, "longest": found, "told": told}


def measured(visitor: str, address: str, port: int, most: int) -> tuple[bool, int, bool]:
    """Whether there is an answer, the longest packet that passes of at most that length, and whether that is told."""
    try:
        with Echo(address, port, visitor) as echo:
            answered = echo.passes(SMALL_BYTES[echo.version])
            found = longest(echo, most) if answered and most else 0
            echo.last()
            return answered, found, echo.told_bytes > 0
    except OSError:
        return False, 0, False


def main(task: dict[str, object]) -> object:
    visitor = str(task["host"])
    targets: list[dict[str, object]] = task["targets"]  # type: ignore[assignment]
    if not targets:
        return []
    with ThreadPoolExecutor(min(32, len(targets))) as pool:
        return list(pool.map(lambda target: try_path(visitor, target), targets))


if __name__ == "__main__":
    json.dump(main(json.loads(sys.argv[1])), sys.stdout)
