import socket
import struct

import pytest

from node.flows import (
    IP_DESTINATION,
    IP_SOURCE,
    PROTOCOL_DESTINATION_PORT,
    PROTOCOL_NUMBER,
    PROTOCOL_SOURCE_PORT,
    TUPLE_IP,
    TUPLE_ORIGINAL,
    TUPLE_PROTOCOL,
    TUPLE_REPLY,
    Flow,
    decode,
)
from node.netfilter import NESTED, attribute


def ends(protocol: int, source: tuple[str, int], destination: tuple[str, int]) -> bytes:
    """A tuple, as the kernel writes it."""
    addresses = attribute(IP_SOURCE, socket.inet_aton(source[0])) + attribute(
        IP_DESTINATION, socket.inet_aton(destination[0])
    )
    ports = attribute(PROTOCOL_NUMBER, bytes([protocol]))
    if source[1]:
        ports += attribute(PROTOCOL_SOURCE_PORT, struct.pack("!H", source[1]))
        ports += attribute(PROTOCOL_DESTINATION_PORT, struct.pack("!H", destination[1]))
    return attribute(TUPLE_IP | NESTED, addresses) + attribute(TUPLE_PROTOCOL | NESTED, ports)


@pytest.mark.parametrize(("number", "name"), [(6, "tcp"), (17, "udp"), (132, "sctp")])
def test_a_flow_says_who_sends_where_and_who_answers(number: int, name: str) -> None:
    original = ends(number, ("10.244.0.5", 40000), ("10.96.0.10", 53))
    reply = ends(number, ("10.244.0.2", 5353), ("10.244.0.5", 40000))
    answer = attribute(TUPLE_ORIGINAL | NESTED, original) + attribute(TUPLE_REPLY | NESTED, reply)
    found = decode(answer)
    assert found == Flow(name, "10.244.0.5", 40000, "10.96.0.10", 53, "10.244.0.2:5353")
    assert found.original == original


@pytest.mark.parametrize(("number", "name"), [(1, "icmp"), (47, "47")])
def test_protocols_without_ports_have_port_0(number: int, name: str) -> None:
    original = ends(number, ("10.244.0.5", 0), ("10.244.0.2", 0))
    reply = ends(number, ("10.244.0.2", 0), ("10.244.0.5", 0))
    answer = attribute(TUPLE_ORIGINAL | NESTED, original) + attribute(TUPLE_REPLY | NESTED, reply)
    assert decode(answer) == Flow(name, "10.244.0.5", 0, "10.244.0.2", 0, "10.244.0.2:0")


def test_an_answer_that_lacks_a_side_is_no_flow() -> None:
    assert decode(attribute(TUPLE_ORIGINAL | NESTED, ends(6, ("10.0.0.1", 1), ("10.0.0.2", 2)))) is None


def test_flows_of_other_ends_are_left_out() -> None:
    original = ends(6, ("10.244.0.5", 40000), ("10.96.0.10", 80))
    reply = ends(6, ("10.244.0.2", 8080), ("10.244.0.5", 40000))
    answer = attribute(TUPLE_ORIGINAL | NESTED, original) + attribute(TUPLE_REPLY | NESTED, reply)

    def is_of(*addresses: str) -> bool:
        return decode(answer, {socket.inet_aton(each) for each in addresses}) is not None

    assert is_of("10.244.0.5"), "the client"
    assert is_of("10.244.0.9", "10.244.0.2"), "the endpoint"
    assert not is_of("10.96.0.10"), "the Service's address is no end"
    assert not is_of()
