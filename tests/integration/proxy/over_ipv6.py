"""Run in a network namespace of its own: real packets over IPv6 find endpoints, stay with them, and are refused."""

import socket
import sys

import uvloop
from podlab_testing.proxying import PATIENCE_S, PORT, TARGET_PORT, Proxied, answers, backend_of, listening, run

from node.family import IPV6
from node.flows import FlowTable
from node.proxy.node import ProxyNode
from podlab.core.v1.service_pb2 import ServiceSpec

CLUSTER_IP, EXTERNAL = "fd00:10:96::7", "2001:db8::7"
ENDPOINTS = [f"fd00:10:244::{number}" for number in range(11, 17)]
NODE = ProxyNode("n1", "", family=IPV6)


def endpoint(address: str = CLUSTER_IP) -> str:
    """Which one answers: it says so before it hangs up."""
    with socket.create_connection((address, PORT), PATIENCE_S) as client:
        return client.recv(100).decode()


async def main(name: str) -> None:
    spec = ServiceSpec(clusterIP=CLUSTER_IP, externalIPs=[EXTERNAL], externalTrafficPolicy="Cluster")
    plain = Proxied(backend_of(name, NODE), spec=spec, node=NODE)
    with listening(*ENDPOINTS):
        await plain.lead_to(*ENDPOINTS[:2])
        assert {endpoint() for _ in range(30)} == set(ENDPOINTS[:2])
        assert {endpoint(EXTERNAL) for _ in range(30)} == set(ENDPOINTS[:2])
        with FlowTable() as table:
            assert f"[{ENDPOINTS[0]}]:9000" in {flow.endpoint for flow in table.flows((IPV6,))}
        await plain.lead_to()
        assert not answers(CLUSTER_IP), "a Service without endpoints refuses"
        assert not answers(EXTERNAL)
        affine = ServiceSpec(clusterIP=CLUSTER_IP, sessionAffinity="ClientIP")
        affine.sessionAffinityConfig.clientIP.timeoutSeconds = 60
        service = Proxied(backend_of(name, NODE), spec=affine, node=NODE)
        await service.lead_to(ENDPOINTS[0])
        assert endpoint() == ENDPOINTS[0]
        await service.lead_to(*ENDPOINTS)
        assert {endpoint() for _ in range(20)} == {ENDPOINTS[0]}, "other endpoints came"
    await follow_datagrams(name)


async def follow_datagrams(name: str) -> None:
    old, new = (socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(2))
    for server, address in ((old, ENDPOINTS[0]), (new, ENDPOINTS[1])):
        server.bind((address, TARGET_PORT))
        server.settimeout(PATIENCE_S)
    service = Proxied(backend_of(name, NODE), "UDP", ServiceSpec(clusterIP=CLUSTER_IP), node=NODE)
    client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    await service.lead_to(ENDPOINTS[0])
    client.sendto(b"first", (CLUSTER_IP, PORT))
    assert old.recv(100) == b"first"
    assert await service.lead_to(ENDPOINTS[1]) == 1, "the flow to the endpoint that is gone has ended"
    client.sendto(b"second", (CLUSTER_IP, PORT))
    assert new.recv(100) == b"second"


run("ip", "link", "set", "lo", "up")
for each in (CLUSTER_IP, EXTERNAL, *ENDPOINTS):
    run("ip", "address", "add", f"{each}/128", "dev", "lo", "nodad")
uvloop.run(main(sys.argv[1]))
