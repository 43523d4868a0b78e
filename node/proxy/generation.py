"""How often nftables' rules have changed in this network namespace: the kernel counts every transaction.

So whoever remembers the number knows without reading the rules that nobody has changed any. Rules of iptables-nft are
nftables' too. Asked through netlink; layouts: linux/netlink.h, linux/netfilter/nfnetlink.h and nf_tables.h.
"""

from __future__ import annotations

import errno
import socket
import struct

NETLINK_NETFILTER = 12
TIMEOUT_S = 5.0
REQUEST = 0x1
ERROR = 0x2
GET_GENERATION = 10 << 8 | 16  # the subsystem nftables, and its message
HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
FAMILY = struct.Struct("!BBH")  # family, version, resource
ATTRIBUTE = struct.Struct("=HH")  # length, type


def nftables_generation() -> int:
    """The number. Raises OSError when the kernel has no nftables, or refuses."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as asking:
        asking.settimeout(TIMEOUT_S)
        asking.bind((0, 0))
        asking.send(HEADER.pack(HEADER.size + FAMILY.size, GET_GENERATION, REQUEST, 1, 0) + FAMILY.pack(0, 0, 0))
        answer = asking.recv(4096)
    if HEADER.unpack_from(answer)[1] == ERROR:
        number = -struct.unpack_from("=i", answer, HEADER.size)[0]
        raise OSError(number, errno.errorcode.get(number, "unknown error"))
    # The first attribute is the number.
    return int.from_bytes(answer[HEADER.size + FAMILY.size + ATTRIBUTE.size :][:4])
