"""The script by which masters ask their neighbours who has an address already; sent as text, as the probe is.

An ARP probe (RFC 5227) names no sender address: neighbours learn nothing of the asker, and only who has the address
itself answers, no router on behalf of others. It changes nothing on the host.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import time

# linux/if_ether.h, linux/if_arp.h: frames with ARP packets, and links that such packets are for.
ETHERTYPE = 0x0806
ETHERNET = 1
HEAD = (ETHERNET, 0x0800, 6, 4)
REQUEST = 1
# Destination and source of the frame, its type; the head, the operation, (MAC, address) of sender and target.
PACKET = struct.Struct("!6s6sH HHBB H 6s4s 6s4s")
PROBES, BETWEEN_S = 3, 0.35


def probe(address: str, mac: bytes) -> bytes:
    """The frame that asks everybody on the segment for the owner of the address."""
    wanted = socket.inet_aton(address)
    return PACKET.pack(b"\xff" * 6, mac, ETHERTYPE, *HEAD, REQUEST, mac, bytes(4), bytes(6), wanted)


def claim(frame: bytes) -> tuple[str, str] | None:
    """The address that the sender says is its own, and its MAC; nothing where it says none."""
    if len(frame) < PACKET.size:
        return None
    _, _, ethertype, *head, _, mac, address, _, _ = PACKET.unpack_from(frame)
    if ethertype != ETHERTYPE or tuple(head) != HEAD or not any(address):
        return None
    return socket.inet_ntoa(address), ":".join(f"{each:02x}" for each in mac)


def device_of(address: str, shown: str) -> str:
    """The interface that has the address, of what `ip -o -4 address` shows; empty where none has."""
    for line in shown.splitlines():
        _, device, _, network = line.split()[:4]
        if network.partition("/")[0] == address:
            return device
    return ""


def owners(device: str, addresses: list[str]) -> dict[str, list[str]]:
    """The MACs that answer for each address on the interface's segment; those of nobody are left out."""
    found: dict[str, set[str]] = {}
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE)) as link:
        link.bind((device, ETHERTYPE))
        _, _, _, kind, mac = link.getsockname()
        for _ in range(PROBES if kind == ETHERNET else 0):
            for address in addresses:
                link.send(probe(address, mac))
            for owner, owner_mac in heard(link, time.monotonic() + BETWEEN_S):
                if owner in addresses:
                    found.setdefault(owner, set()).add(owner_mac)
    return {address: sorted(macs) for address, macs in found.items()}


def heard(link: socket.socket, until: float) -> list[tuple[str, str]]:
    """What neighbours claim until then."""
    claims: list[tuple[str, str]] = []
    while True:
        left = until - time.monotonic()
        if left <= 0:
            return claims
        link.settimeout(left)
        try:
            told = claim(link.recv(2048))
        except socket.timeout:  # noqa: UP041 - its own class on the older Pythons that this must run on
            return claims
        if told is not None:
            claims.append(told)


def main(task: dict[str, object]) -> dict[str, object]:
    """Of `addresses`, asked for on `device` or, where none is named, on the interface that has the address `own`."""
    addresses: list[str] = task["addresses"]  # type: ignore[assignment]
    command = ["ip", "-o", "-4", "address"]
    shown = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=5, check=True).stdout
    device = str(task["device"]) or device_of(str(task["own"]), shown.decode())
    return {"device": device, "owners": owners(device, addresses) if device else {}}


if __name__ == "__main__":
    json.dump(main(json.loads(sys.argv[1])), sys.stdout)
