"""A node's pod network of real packets: a bridge with pods on it, and beyond the node another one and the outside.

For a program that has a network and a mount namespace of its own (`unshare --net --mount`); it is the node. All goes
with it.
"""

from __future__ import annotations

import ctypes
import os
import select
import socket
import struct
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from node.network.cni import BRIDGE
from node.networkpolicy.table import Packet

GATEWAY, NODE, OTHER_NODE = "10.244.1.1", "192.0.2.1", "192.0.2.2"
PODS = "10.244.1.0/24"
BEYOND = "beyond"
# How long what does not arrive is waited for; on a loaded machine packets on one machine take some milliseconds.
PATIENCE_S = 0.25
_PROTOCOLS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
_CLONE_NEWNET = 0x40000000


def run(*command: str) -> None:
    subprocess.run(command, check=True)


class PodNetwork:
    """`local` are pods' addresses on the node, `beyond` those of others' pods and of the outside."""

    def __init__(self, local: Iterable[str], beyond: Iterable[str], ports: Iterable[tuple[str, int]]) -> None:
        """All of them listen on the ports: (tcp, udp or sctp; number)."""
        self._places: dict[str, str] = {}
        self._arrived_sctp: set[tuple[str, str, int]] = set()
        self._make_node()
        for number, address in enumerate(local):
            self._make_pod(address, f"pod{number}")
        self._make_beyond(beyond)
        self._servers: dict[tuple[str, str, int], socket.socket] = {}
        for address in (*self._places, NODE, GATEWAY):
            for protocol, port in ports:
                self._servers[address, protocol, port] = self._listening(address, protocol, port)

    def _make_node(self) -> None:
        run("mount", "-t", "tmpfs", "tmpfs", "/run")  # where namespaces get their names
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "address", "add", f"{GATEWAY}/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        for setting in ("net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables"):
            (Path("/proc/sys") / setting).write_text("1")

    def _make_pod(self, address: str, name: str) -> None:
        run("ip", "netns", "add", name)
        run("ip", "link", "add", f"v{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", f"v{name}", "master", BRIDGE, "up")
        run("bridge", "link", "set", "dev", f"v{name}", "hairpin", "on")
        self._set_up(name, f"{address}/24", GATEWAY)
        self._places[address] = name

    def _make_beyond(self, addresses: Iterable[str]) -> None:
        run("ip", "netns", "add", BEYOND)
        run("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "eth0", "netns", BEYOND)
        run("ip", "address", "add", f"{NODE}/24", "dev", "uplink")
        run("ip", "link", "set", "uplink", "up")
        self._set_up(BEYOND, f"{OTHER_NODE}/24", NODE)
        self._places[OTHER_NODE] = BEYOND
        for address in addresses:
            run("ip", "-n", BEYOND, "address", "add", f"{address}/32", "dev", "lo")
            run("ip", "route", "add", address, "via", OTHER_NODE)
            self._places[address] = BEYOND

    def _set_up(self, name: str, address: str, gateway: str) -> None:
        run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", name, "address", "add", address, "dev", "eth0")
        run("ip", "-n", name, "link", "set", "eth0", "up")
        run("ip", "-n", name, "route", "add", "default", "via", gateway)

    def _listening(self, address: str, protocol: str, port: int) -> socket.socket:
        with self.within(address):
            if protocol == "sctp":  # the kernel may not speak it: what arrives is read as it is
                server = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_SCTP)
                server.bind((address, 0))
                server.setblocking(False)
                return server
            server = socket.socket(socket.AF_INET, _PROTOCOLS[protocol])
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((address, port))
            server.setblocking(False)
            if protocol == "tcp":
                server.listen(256)
        return server

    @contextmanager
    def within(self, address: str) -> Iterator[None]:
        """Sockets made meanwhile are those of the pod, or the place, that has the address; the node has all others."""
        name = self._places.get(address)
        if name is None:
            yield
            return
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        _enter(f"/run/netns/{name}")
        try:
            yield
        finally:
            _enter(f"/proc/self/fd/{own}")
            os.close(own)

    def passing(self, packets: Iterable[Packet]) -> set[Packet]:
        """Those that get to their destination: all are tried at once."""
        self._arrived_sctp.clear()
        trials = {packet: self._send(packet) for packet in packets}
        arrived: set[Packet] = set()
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s and len(arrived) < len(trials):
            select.select(list(self._servers.values()), [], [], 0.02)
            self._serve()
            arrived = {packet for packet, client in trials.items() if self._has_arrived(packet, client)}
        for client in trials.values():
            client.close()
        return arrived

    def _send(self, packet: Packet) -> socket.socket:
        kind = socket.SOCK_RAW if packet.protocol == "sctp" else _PROTOCOLS[packet.protocol]
        with self.within(packet.source):
            client = socket.socket(socket.AF_INET, kind, socket.IPPROTO_SCTP if packet.protocol == "sctp" else 0)
        client.setblocking(False)
        client.bind((packet.source, 0))
        client.connect_ex((packet.destination, packet.port))
        if packet.protocol == "udp":
            client.send(b"?")
        if packet.protocol == "sctp":
            client.send(_sctp_init(packet.port))
        return client

    def _serve(self) -> None:
        for (_, protocol, _), server in self._servers.items():
            while True:
                try:
                    if protocol == "tcp":
                        server.accept()[0].close()
                    elif protocol == "udp":
                        server.sendto(b"!", server.recvfrom(16)[1])
                    else:
                        self._arrived_sctp.add(_sctp_ends(server.recv(2048)))
                except BlockingIOError:
                    break

    def _has_arrived(self, packet: Packet, client: socket.socket) -> bool:
        if packet.protocol == "sctp":
            return (packet.source, packet.destination, packet.port) in self._arrived_sctp
        if packet.protocol == "udp":
            return bool(select.select([client], [], [], 0)[0])
        try:
            client.getpeername()
        except OSError:
            return False
        return True


def _sctp_init(port: int) -> bytes:
    """A chunk INIT without a checksum, which nobody looks at here."""
    header = struct.pack("!HHII", 40000, port, 0, 0)
    return header + struct.pack("!BBHIIHHI", 1, 0, 20, 1, 65535, 1, 1, 1)


def _sctp_ends(received: bytes) -> tuple[str, str, int]:
    at = (received[0] & 0xF) * 4
    source, destination = socket.inet_ntoa(received[12:16]), socket.inet_ntoa(received[16:20])
    return source, destination, struct.unpack_from("!H", received, at + 2)[0]


def _enter(namespace: str) -> None:
    at = os.open(namespace, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(at, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    finally:
        os.close(at)
