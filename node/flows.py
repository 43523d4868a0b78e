"""The kernel's table of flows, read and changed through netlink (ctnetlink).

Message layouts: linux/netfilter/nfnetlink_conntrack.h. Blocking; for use in a thread.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

from node.family import IPV4, Family, family_of
from node.netfilter import ACK, DUMP, NESTED, REQUEST, NetfilterSocket, attribute, attributes
from podlab.api.values.ipfamilies import with_port

CONNTRACK_GET, CONNTRACK_DELETE = 0x101, 0x102

TUPLE_ORIGINAL, TUPLE_REPLY = 1, 2
TUPLE_IP, TUPLE_PROTOCOL = 1, 2
IP_SOURCE, IP_DESTINATION = 1, 2
IP6_SOURCE, IP6_DESTINATION = 3, 4
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
    endpoint: str  # as ipfamilies.with_port writes it
    original: bytes = field(default=b"", compare=False, repr=False)  # as the kernel named it


class FlowTable:
    """A context manager: a netlink socket. Raises OSError when the kernel refuses."""

    def __enter__(self) -> FlowTable:
        self._kernel = NetfilterSocket().__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._kernel.__exit__(*exception)

    def flows(self, families: Iterable[Family] = (IPV4,)) -> list[Flow]:
        """All flows over these families."""
        found = []
        for family in families:
            answers = self._kernel.ask(CONNTRACK_GET, REQUEST | DUMP, family.number)
            found += [flow for flow in (decode(answer) for _, answer in answers) if flow is not None]
        return found

    def end(self, flow: Flow) -> None:
        """Removes the flow, so that the rules apply to its next packet. Success when the flow has ended already."""
        named = attribute(TUPLE_ORIGINAL | NESTED, flow.original)
        try:
            list(self._kernel.ask(CONNTRACK_DELETE, REQUEST | ACK, family_of(flow.source).number, named))
        except FileNotFoundError:
            return


def decode(answer: bytes) -> Flow | None:
    """The flow of one answer; None when it lacks a side."""
    found = attributes(answer)
    named = found.get(TUPLE_ORIGINAL, b"")
    original, reply = _tuple(named), _tuple(found.get(TUPLE_REPLY, b""))
    if original is None or reply is None:
        return None
    return Flow(*original, with_port(reply[1], reply[2]), named)


def _tuple(content: bytes) -> tuple[str, str, int, str, int] | None:
    """Protocol, source and its port, destination and its port."""
    parts = attributes(content)
    addresses, protocol = attributes(parts.get(TUPLE_IP, b"")), attributes(parts.get(TUPLE_PROTOCOL, b""))
    source, destination = addresses.get(IP_SOURCE, b""), addresses.get(IP_DESTINATION, b"")
    if not source:
        source, destination = addresses.get(IP6_SOURCE, b""), addresses.get(IP6_DESTINATION, b"")
    if not source:
        return None
    number = int.from_bytes(protocol.get(PROTOCOL_NUMBER, b""))
    return (
        PROTOCOLS.get(number, str(number)),
        str(ip_address(source)),
        int.from_bytes(protocol.get(PROTOCOL_SOURCE_PORT, b"")),
        str(ip_address(destination)),
        int.from_bytes(protocol.get(PROTOCOL_DESTINATION_PORT, b"")),
    )
