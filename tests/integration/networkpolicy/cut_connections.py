"""Run as a node of its own: connections that stood before a policy did, and ways around the rules."""

import asyncio
import select
import socket
import subprocess

from podlab_testing.pod_network import GATEWAY, NODE, PODS, PodNetwork, run
from podlab_testing.policy_cases import OUTSIDE, cluster, policy
from podlab_testing.policy_cases import PODS as POLICY_PODS

from node.networkpolicy.cut import FlowCutter
from node.networkpolicy.script import Ruleset, render, replacement
from node.networkpolicy.table import Packet, PolicyTable
from node.nftables import Nft
from podlab.networking.v1.networkpolicy_pb2 import NetworkPolicy

WEB, DB, PROBE = (POLICY_PODS[name].address for name in ("web", "db", "probe"))
BEYOND = OUTSIDE["outside"]
SERVICE = "10.96.0.20"
QUIET_S = 0.3


class Connection:
    """A TCP connection or a UDP flow that stands."""

    def __init__(self, network: PodNetwork, client: str, server: str, port: int, *, udp: bool = False) -> None:
        kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
        with network.within(server):
            listener = socket.socket(socket.AF_INET, kind)
        listener.bind((server, port))
        with network.within(client):
            self.client = socket.socket(socket.AF_INET, kind)
        self.client.bind((client, 0))
        if udp:
            self.client.connect((server, port))
            self.client.send(b"first")
            listener.connect(listener.recvfrom(16)[1])
            self.server = listener
        else:
            listener.listen(1)
            self.client.settimeout(2)
            self.client.connect((server, port))
            self.server = listener.accept()[0]
            listener.close()
        assert self.speaks(self.client, self.server)
        assert self.speaks(self.server, self.client)

    def speaks(self, sender: socket.socket, receiver: socket.socket) -> bool:
        sender.send(b"hello")
        return bool(select.select([receiver], [], [], QUIET_S)[0]) and bool(receiver.recv(16))

    def stands(self) -> bool:
        """Whoever speaks first. The server does: a packet of an unknown flow could make a new one of it."""
        return self.speaks(self.server, self.client) or self.speaks(self.client, self.server)


async def put(*policies: NetworkPolicy) -> tuple[PolicyTable, int]:
    table = cluster("n1", policies).table()
    await Nft().apply(replacement(render(table)))
    return table, await FlowCutter().cut(table)


async def connections_are_cut(network: PodNetwork) -> None:
    await put()
    forbidden = [
        Connection(network, PROBE, WEB, 7001),
        Connection(network, BEYOND, WEB, 7002),
        Connection(network, DB, WEB, 7003),
    ]
    allowed = [
        Connection(network, WEB, DB, 7004),
        Connection(network, WEB, BEYOND, 7005),
        Connection(network, WEB, DB, 7006, udp=True),
    ]
    nodes = [Connection(network, NODE, WEB, 7007), Connection(network, GATEWAY, WEB, 7008)]
    datagrams = Connection(network, PROBE, WEB, 7009, udp=True)
    closed = policy(0, podSelector={"matchLabels": {"app": "web"}}, policyTypes=["Ingress"])
    _, ended = await put(closed)
    assert ended == len(forbidden) + 1, ended
    assert not any(each.stands() for each in forbidden), "a connection outlives the policy that forbids it"
    assert not datagrams.speaks(datagrams.client, datagrams.server)
    assert all(each.stands() for each in (*allowed, *nodes)), "a connection is cut that no policy forbids"
    _, ended = await put(closed)
    assert ended == 0


async def a_service_keeps_the_clients_address(network: PodNetwork) -> None:
    """Rules see the endpoint's address and port, and the client's own."""
    dnat = ("-t", "nat", "-A", "PREROUTING", "-d", SERVICE, "-p", "tcp", "--dport", "8000", "-j", "DNAT")
    run("iptables-nft", *dnat, "--to-destination", f"{WEB}:80")
    run("iptables-nft", "-t", "nat", "-A", "POSTROUTING", "-s", WEB, "-d", WEB, "-j", "MASQUERADE")
    through = [Packet(source, SERVICE, "tcp", 8000) for source in (DB, PROBE, WEB)]
    web, ports = {"matchLabels": {"app": "web"}}, [{"protocol": "TCP", "port": 80}]
    peers = [{"podSelector": {"matchLabels": {"app": "db"}}}]
    await put(policy(0, podSelector=web, policyTypes=["Ingress"], ingress=[{"from": peers, "ports": ports}]))
    assert network.passing(through) == {through[0], through[2]}, "a pod reaches itself through its Service"
    to_web = [{"to": [{"podSelector": web}], "ports": ports}]
    db = {"matchLabels": {"app": "db"}}
    await put(policy(0, podSelector=db, policyTypes=["Egress"], egress=to_web))
    assert network.passing(through[:1]) == {through[0]}
    to_port = [{"to": [{"podSelector": web}], "ports": [{"protocol": "TCP", "port": 8000}]}]
    await put(policy(0, podSelector=db, policyTypes=["Egress"], egress=to_port))
    assert network.passing(through[:1]) == set()


async def no_way_around_by_addresses_of_the_link(network: PodNetwork) -> None:
    await put()
    assert reaches_by_ipv6(network, DB, WEB)
    await put(policy(0, podSelector={"matchLabels": {"app": "web"}}, policyTypes=["Ingress"]))
    assert not reaches_by_ipv6(network, DB, WEB)


def reaches_by_ipv6(network: PodNetwork, client: str, server: str) -> bool:
    with network.within(server):
        shown = subprocess.run(["ip", "-6", "-o", "addr", "show", "eth0"], capture_output=True, text=True, check=True)
        address = shown.stdout.split()[3].partition("/")[0]
        listener = socket.create_server(("::", 7100), family=socket.AF_INET6)
    with network.within(client), socket.socket(socket.AF_INET6) as trial:
        trial.settimeout(1.2)  # the neighbour's address has to be found first
        try:
            trial.connect((address, 7100, 0, socket.if_nametoindex("eth0")))
        except TimeoutError:
            return False
        finally:
            listener.close()
    return True


async def main() -> None:
    network = PodNetwork([WEB, DB, PROBE], [BEYOND], [("tcp", 80)])
    # The kernel tracks flows once some rule asks for it, as the masquerade's does on every node.
    run("iptables-nft", "-t", "nat", "-A", "POSTROUTING", "-s", PODS, "!", "-d", "10.244.0.0/16", "-j", "MASQUERADE")
    await connections_are_cut(network)
    await a_service_keeps_the_clients_address(network)
    await no_way_around_by_addresses_of_the_link(network)
    await Nft().apply(replacement(Ruleset()))


asyncio.run(main())
