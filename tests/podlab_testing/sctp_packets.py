"""SCTP as packets of a raw socket, for kernels that do not speak it: a server answers INIT, and a client asks.

`serve PORT` answers each INIT with an INIT ACK whose tag names the server; `ask HOST PORT` prints the tag, "timeout" or
"refused". Python's standard library only. Chunks are RFC 9260's; their checksum is CRC32c.
"""

import os
import socket
import struct
import sys
import zlib

PROTOCOL = 132
INIT, INIT_ACK = 1, 2
TIMEOUT_S = 3.0
CLIENT_PORT = 40132


def crc32c(data: bytes) -> int:
    checksum = 0xFFFFFFFF
    for byte in data:
        checksum ^= byte
        for _ in range(8):
            checksum = (checksum >> 1) ^ (0x82F63B78 & -(checksum & 1))
    return checksum ^ 0xFFFFFFFF


def packet(source: int, target: int, verification: int, kind: int, tag: int) -> bytes:
    """One chunk with the obligatory fields: tag, window, streams out and in, first number."""
    chunk = struct.pack("!BBHIIHHI", kind, 0, 20, tag, 65535, 1, 1, 1)
    if kind == INIT_ACK:
        cookie = struct.pack("!HH4s", 7, 8, b"cook")
        chunk = struct.pack("!BBHIIHHI", kind, 0, 20 + len(cookie), tag, 65535, 1, 1, 1) + cookie
    head = struct.pack("!HHI", source, target, verification)
    return head + struct.pack("<I", crc32c(head + bytes(4) + chunk)) + chunk


def read(data: bytes) -> tuple[int, int, int, int]:
    """Ports of source and target, the first chunk's type, and the tag in it. `data` begins with the IP header."""
    segment = data[(data[0] & 0x0F) * 4 :]
    source, target = struct.unpack_from("!HH", segment)
    kind, tag = segment[12], struct.unpack_from("!I", segment, 16)[0]
    return source, target, kind, tag


def serve(port: int, name: str, address: str = "") -> None:
    own = zlib.crc32(name.encode())
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL) as server:
        server.bind((address, 0))
        while True:
            data, (client, _) = server.recvfrom(2048)
            source, target, kind, tag = read(data)
            if (target, kind) == (port, INIT):
                server.sendto(packet(port, source, tag, INIT_ACK, own), (client, 0))


def ask(host: str, port: int) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL) as client:
        client.settimeout(TIMEOUT_S)
        try:
            client.connect((host, 0))
            client.send(packet(CLIENT_PORT, port, 0, INIT, 0x01020304))
            while True:
                source, target, kind, tag = read(client.recv(2048))
                if (source, target, kind) == (port, CLIENT_PORT, INIT_ACK):
                    return str(tag)
        except TimeoutError:
            return "timeout"
        except (PermissionError, ConnectionRefusedError):  # the first is what a sender on the same host is told
            return "refused"


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]), os.environ.get("POD_NAME", "?"))
    else:
        print(ask(sys.argv[2], int(sys.argv[3])))
