"""The kernel's table of flows, read and changed through netlink (ctnetlink).

Message layouts: linux/netfilter/nfnetlink_conntrack.h. Blocking; for use in a thread.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

from node.netfilter import ACK, DUMP, NESTED, REQUEST, NetfilterSocket, attribute, attributes

CONNTRACK_GET, CONNTRACK_DELETE = 0x101, 0x102

TUPLE_ORIGINAL, TUPLE_REPLY = 1, 2
TUPLE_IP, TUPLE_PROTOCOL = 1, 2
IP_SOURCE, IP_DESTINATION = 1, 2
PROTOCOL_NUMBER, PROTOCOL_SOURCE_PORT, PROTOCOL_DESTINATION_PORT = 1, 2, 3

# What protocols are called in rules; the others have their number.
PROTOCOLS = {1: "icmp", socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp", socket.IPPROTO_SCTP: "sctp"}


@dataclass(frozen=True)
class Flow:
    """Where the client sends to, and which endpoint answers. Ports are 0 where the protocol has none."""

    protocol: str
    source: str
    source_port: int
    destination: str
    destination_port: int
    endpoint: str  # ip:port
    original: bytes = field(default=b"", compare=False, repr=False)  # as the kernel named it


class FlowTable:
    """A context manager: a netlink socket. Raises OSError when the kernel refuses."""

    def __enter__(self) -> FlowTable:
        self._kernel = NetfilterSocket().__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._kernel.__exit__(*exception)

    def flows(self) -> list[Flow]:
        """All flows over IPv4."""
        answers = self._kernel.ask(CONNTRACK_GET, REQUEST | DUMP, socket.AF_INET)
        return [flow for flow in (decode(answer) for _, answer in answers) if flow is not None]

    def end(self, flow: Flow) -> None:
        """Removes the flow, so that the rules apply to its next packet. Success when the flow has ended already."""
        named = attribute(TUPLE_ORIGINAL | NESTED, flow.original)
        try:
            list(self._kernel.ask(CONNTRACK_DELETE, REQUEST | ACK, socket.AF_INET, named))
        except FileNotFoundError:
            return


def decode(answer: bytes) -> Flow | None:
    """The flow of one answer; None when it is not over IPv4."""
    found = attributes(answer)
    named = found.get(TUPLE_ORIGINAL, b"")
    original, reply = _tuple(named), _tuple(found.get(TUPLE_REPLY, b""))
    if original is None or reply is None:
        return None
    return Flow(*original, f"{reply[1]}:{reply[2]}", named)


def _tuple(content: bytes) -> tuple[str, str, int, str, int] | None:
    """Protocol, source and its port, destination and its port."""
    parts = attributes(content)
    addresses, protocol = attributes(parts.get(TUPLE_IP, b"")), attributes(parts.get(TUPLE_PROTOCOL, b""))
    if IP_SOURCE not in addresses:
        return None
    number = int.from_bytes(protocol.get(PROTOCOL_NUMBER, b""))
    return (
        PROTOCOLS.get(number, str(number)),
        socket.inet_ntoa(addresses[IP_SOURCE]),
        int.from_bytes(protocol.get(PROTOCOL_SOURCE_PORT, b"")),
        socket.inet_ntoa(addresses[IP_DESTINATION]),
        int.from_bytes(protocol.get(PROTOCOL_DESTINATION_PORT, b"")),
    )
