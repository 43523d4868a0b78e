"""Asks DNS servers over real sockets, and reads all that they answer."""

from __future__ import annotations

import socket
import struct

from node.dns.message import Reply, question, read


def ask(
    server: str, port: int, name: str, kind: str = "A", *, tcp: bool = False, edns: int = 0, timeout_s: float = 12.0
) -> Reply:
    """The reply of that server. Raises OSError, TimeoutError where there is none."""
    query = question(0x1234, name, kind, edns=edns)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as asking:
        asking.settimeout(timeout_s)
        asking.connect((server, port))
        asking.sendall(struct.pack("!H", len(query)) + query if tcp else query)
        return read(_read_stream(asking) if tcp else asking.recv(65535))


def _read_stream(asking: socket.socket) -> bytes:
    with asking.makefile("rb") as stream:
        (size,) = struct.unpack("!H", stream.read(2))
        return stream.read(size)
