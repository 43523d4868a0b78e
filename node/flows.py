"""The kernel's table of flows, read and changed through netlink (ctnetlink).

Message layouts: linux/netfilter/nfnetlink_conntrack.h. Blocking; for use in a thread.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from node.family import IPV4, Family, family_of
from node.netfilter import ACK, DUMP, NESTED, REQUEST, NetfilterSocket, attribute, attributes
from podlab.api.values.ipfamilies import with_port

CONNTRACK_GET, CONNTRACK_DELETE = 0x101, 0x102

TUPLE_ORIGINAL, TUPLE_REPLY, FILTER = 1, 2, 25
FILTER_ORIGINAL, FILTER_BY_PROTOCOL = 1, 1 << 3  # linux/netfilter/nf_conntrack_netlink.c
TUPLE_IP, TUPLE_PROTOCOL = 1, 2
IP_SOURCE, IP_DESTINATION = 1, 2
IP6_SOURCE, IP6_DESTINATION = 3, 4
PROTOCOL_NUMBER, PROTOCOL_SOURCE_PORT, PROTOCOL_DESTINATION_PORT = 1, 2, 3

# What protocols are called in rules; the others have their number.
PROTOCOLS = {1: "icmp", socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp", socket.IPPROTO_SCTP: "sctp"}
NUMBERS = {name: number for number, name in PROTOCOLS.items()}
IPV4_BYTES = 4


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

    def flows(
        self, families: Iterable[Family] = (IPV4,), *, protocol: str = "", ends: Collection[str] | None = None
    ) -> list[Flow]:
        """The flows over these families: of one protocol when one is named, and with one of `ends` as the client's
        or the endpoint's address when they are given. A busy node has ten thousands of others.
        """
        wanted = None if ends is None else frozenset(map(_packed, ends))
        # Tells most answers from those that are worth to be taken apart, which takes ten times as long.
        may_have_end = re.compile(b"|".join(map(re.escape, wanted or ()))).search
        found = []
        for family in families:
            answers = self._kernel.ask(CONNTRACK_GET, REQUEST | DUMP, family.number, _of_protocol(protocol))
            found += [
                flow for _, answer in answers if may_have_end(answer) and (flow := decode(answer, wanted)) is not None
            ]
        return [flow for flow in found if flow.protocol == protocol] if protocol else found

    def end(self, flow: Flow) -> None:
        """Removes the flow, so that the rules apply to its next packet. Success when the flow has ended already."""
        named = attribute(TUPLE_ORIGINAL | NESTED, flow.original)
        try:
            list(self._kernel.ask(CONNTRACK_DELETE, REQUEST | ACK, family_of(flow.source).number, named))
        except FileNotFoundError:
            return


def decode(answer: bytes, ends: Collection[bytes] | None = None) -> Flow | None:
    """The flow of one answer; None when it lacks a side, or when `ends` are given and it is of none of them."""
    found = attributes(answer)
    named = found.get(TUPLE_ORIGINAL, b"")
    original, reply = _tuple(named), _tuple(found.get(TUPLE_REPLY, b""))
    if original is None or reply is None:
        return None
    number, source, source_port, destination, destination_port = original
    _, endpoint, endpoint_port, _, _ = reply
    if ends is not None and source not in ends and endpoint not in ends:
        return None
    return Flow(
        PROTOCOLS.get(number, str(number)),
        _written(source),
        source_port,
        _written(destination),
        destination_port,
        with_port(_written(endpoint), endpoint_port),
        named,
    )


def _tuple(content: bytes) -> tuple[int, bytes, int, bytes, int] | None:
    """Protocol, source and its port, destination and its port."""
    parts = attributes(content)
    addresses, protocol = attributes(parts.get(TUPLE_IP, b"")), attributes(parts.get(TUPLE_PROTOCOL, b""))
    source, destination = addresses.get(IP_SOURCE, b""), addresses.get(IP_DESTINATION, b"")
    if not source:
        source, destination = addresses.get(IP6_SOURCE, b""), addresses.get(IP6_DESTINATION, b"")
    if not source:
        return None
    return (
        int.from_bytes(protocol.get(PROTOCOL_NUMBER, b"")),
        source,
        int.from_bytes(protocol.get(PROTOCOL_SOURCE_PORT, b"")),
        destination,
        int.from_bytes(protocol.get(PROTOCOL_DESTINATION_PORT, b"")),
    )


def _of_protocol(name: str) -> bytes:
    """Lets the kernel answer with this protocol's flows alone. Linux before 5.8 answers with all."""
    if not name:
        return b""
    of_protocol = attribute(TUPLE_PROTOCOL | NESTED, attribute(PROTOCOL_NUMBER, bytes([NUMBERS[name]])))
    by_protocol = attribute(FILTER_ORIGINAL, struct.pack("=I", FILTER_BY_PROTOCOL))
    return attribute(TUPLE_ORIGINAL | NESTED, of_protocol) + attribute(FILTER | NESTED, by_protocol)


def _packed(address: str) -> bytes:
    return socket.inet_pton(family_of(address).number, address)


def _written(address: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(address) == IPV4_BYTES else socket.AF_INET6, address)
