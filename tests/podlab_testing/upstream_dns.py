"""A DNS server for names outside of a cluster: it knows one address, for every name. Run on a lab host, or imported.

python3 upstream_dns.py ADDRESS PORT ANSWER
"""

from __future__ import annotations

import socket
import sys

END = b"end"


def answer(query: bytes, address: str) -> bytes:
    """The reply to a query: the address where it asks for one of type A, and nothing otherwise."""
    behind = query.index(b"\0", 12) + 5
    kind_and_class = query[behind - 4 : behind]
    found = b"\xc0\x0c" + kind_and_class + b"\0\0\0\x3c\0\4" + socket.inet_aton(address)
    is_a = kind_and_class == b"\0\1\0\1"
    header = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_a else b"\0\0") + b"\0\0\0\0"
    return header + query[12:behind] + (found if is_a else b"")


def serve(serving: socket.socket, address: str) -> None:
    """Until it is told END."""
    while True:
        query, asker = serving.recvfrom(4096)
        if query == END:
            return
        serving.sendto(answer(query, address), asker)


if __name__ == "__main__":
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind((sys.argv[1], int(sys.argv[2])))
        serve(listening, sys.argv[3])
