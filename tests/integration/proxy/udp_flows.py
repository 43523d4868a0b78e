"""Run in a network namespace of its own: a UDP client of a Service whose endpoint is replaced while it sends."""

import socket
import sys

import uvloop
from podlab_testing.proxying import CLUSTER_IP, PORT, TARGET_PORT, Proxied, backend_of, run

from node.flows import FlowTable

OLD, NEW = "127.0.0.11", "127.0.0.12"


def bound(address: str) -> socket.socket:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, TARGET_PORT))
    server.settimeout(2)
    return server


async def main(backend: str) -> None:
    old, new = bound(OLD), bound(NEW)
    service = Proxied(backend_of(backend), "UDP")
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.bind(("127.0.0.1", 0))
    await service.lead_to(OLD)
    client.sendto(b"first", (CLUSTER_IP, PORT))
    assert old.recv(100) == b"first"
    assert await service.lead_to(OLD, NEW) == 0, "a flow to a present endpoint stays"
    client.sendto(b"second", (CLUSTER_IP, PORT))
    assert old.recv(100) == b"second", "the kernel goes on with the flow that it knows"
    assert await service.lead_to(NEW) == 1
    client.sendto(b"third", (CLUSTER_IP, PORT))
    assert new.recv(100) == b"third"
    only_flows_of_the_protocol_are_read()
    await refused_once_no_endpoint_is_left(service, client)


def only_flows_of_the_protocol_are_read() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    with socket.create_connection(listening.getsockname()), FlowTable() as table:
        everything = table.flows()
        assert {flow.protocol for flow in everything} == {"tcp", "udp"}
        for protocol in ("tcp", "udp", "sctp"):
            assert table.flows(protocol=protocol) == [flow for flow in everything if flow.protocol == protocol]


async def refused_once_no_endpoint_is_left(service: Proxied, client: socket.socket) -> None:
    client.connect((CLUSTER_IP, PORT))
    assert await service.lead_to() == 1
    try:
        client.send(b"fourth")
        client.settimeout(2)
        client.recv(100)
    except (PermissionError, ConnectionRefusedError):  # how the kernel tells a sender on the same host
        return
    raise AssertionError("a Service without endpoints does not refuse")


run("ip", "link", "set", "lo", "up")
uvloop.run(main(sys.argv[1]))
