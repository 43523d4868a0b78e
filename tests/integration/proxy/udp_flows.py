"""Run in a network namespace of its own: a UDP client of a Service whose endpoint is replaced while it sends."""

import socket
import subprocess

import uvloop

from node.iptables import Iptables
from node.proxy import conntrack
from node.proxy.rules import PREFIX, Chains, ProxyNode, render, to_ruleset
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.discovery.v1.endpointslice_pb2 import Endpoint, EndpointPort, EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta

OLD, NEW, CLUSTER_IP = "127.0.0.11", "127.0.0.12", "127.0.0.200"


def chains(*endpoints: str) -> Chains:
    port = ServicePort(name="dns", protocol="UDP", port=5353)
    spec = ServiceSpec(type="ClusterIP", clusterIP=CLUSTER_IP, ports=[port])
    labels = {"kubernetes.io/service-name": "dns"}
    found = EndpointSlice(
        metadata=ObjectMeta(name="dns-a", namespace="default", labels=labels),
        addressType="IPv4",
        ports=[EndpointPort(name="dns", protocol="UDP", port=9000)],
        endpoints=[Endpoint(addresses=[endpoint]) for endpoint in endpoints],
    )
    service = Service(metadata=ObjectMeta(name="dns", namespace="default"), spec=spec)
    return render([service], [found], ProxyNode("n1", ""))


def bound(address: str) -> socket.socket:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 9000))
    server.settimeout(2)
    return server


async def main() -> None:
    old, new = bound(OLD), bound(NEW)
    tables = Iptables()
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.bind(("127.0.0.1", 0))
    await tables.apply(to_ruleset(chains(OLD)), PREFIX)
    client.sendto(b"first", (CLUSTER_IP, 5353))
    assert old.recv(100) == b"first"
    assert await conntrack.end_stale(chains(OLD), ()) == 0, "a flow to a present endpoint stays"
    await tables.apply(to_ruleset(chains(NEW)), PREFIX)
    client.sendto(b"second", (CLUSTER_IP, 5353))
    assert old.recv(100) == b"second", "the kernel goes on with the flow that it knows"
    assert await conntrack.end_stale(chains(NEW), ()) == 1
    client.sendto(b"third", (CLUSTER_IP, 5353))
    assert new.recv(100) == b"third"
    await refused_once_no_endpoint_is_left(tables, client)


async def refused_once_no_endpoint_is_left(tables: Iptables, client: socket.socket) -> None:
    client.connect((CLUSTER_IP, 5353))
    await tables.apply(to_ruleset(chains()), PREFIX)
    assert await conntrack.end_stale(chains(), ()) == 1
    try:
        client.send(b"fourth")
    except PermissionError:  # how the kernel tells a sender on the same host
        return
    raise AssertionError("a Service without endpoints does not refuse")


subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
uvloop.run(main())
