"""Run as a node of its own: random Services, policies and foreign rules; of each packet it is said first what it will
do, by the tables that the kernel has, and then it is sent.
"""

from __future__ import annotations

import asyncio
import random
import select
import socket
import subprocess
import sys
from dataclasses import dataclass

from podlab_testing.pod_network import NODE, OTHER_NODE, PODS, PodNetwork, run
from podlab_testing.policy_cases import OUTSIDE, cluster, policy_cases
from podlab_testing.policy_cases import PODS as POLICY_PODS
from podlab_testing.proxying import backend_of
from podlab_testing.services import exposures

from node.family import IPV4
from node.networkpolicy.script import Ruleset, render, replacement
from node.networkpolicy.wanted import table_of
from node.nftables import Nft
from node.proxy.exposures import Exposures
from node.proxy.node import ProxyNode
from node.tracing import live
from node.tracing.compare import FOREIGN, findings
from node.tracing.follow import ARRIVES, DROPPED, REJECTED, Followed, follow
from node.tracing.packet import Packet
from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.discovery.v1.endpointslice_pb2 import Endpoint, EndpointPort, EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta

WORLDS, PACKETS = 6, 8
PATIENCE_S = 0.5
PORT, TARGET_PORT, NODE_PORT = 80, 8080, 30080
LOCAL = [pod.address for pod in POLICY_PODS.values() if pod.node == "n1"]
BEYOND = [pod.address for pod in POLICY_PODS.values() if pod.node != "n1"]
CLIENT = OUTSIDE["outside"]
CLUSTER = ProxyNode("n1", "10.244.0.0/16", frozenset({NODE}), pod_cidr=PODS)
FOREIGN_RULES = ("-s 10.244.1.7 -p tcp -j DROP", "-d 10.244.2.6 -j REJECT", "-s 203.0.113.0/24 -j DROP")


@dataclass(frozen=True)
class Outcome:
    """How a packet ended: ARRIVES, DROPPED or REJECTED; the server that got it, and as whose it got it."""

    verdict: str
    server: str = ""
    sender: str = ""


class Sending:
    """Real connections; every pod, and the node beyond, takes those to TARGET_PORT."""

    def __init__(self, network: PodNetwork) -> None:
        self._network = network
        self._servers: dict[socket.socket, str] = {}
        for address in (*LOCAL, *BEYOND):
            with network.within(address):
                server = socket.create_server((address, TARGET_PORT))
            server.setblocking(False)
            self._servers[server] = address

    def send(self, packet: Packet) -> Outcome:
        with self._network.within(packet.source), socket.socket() as client:
            client.settimeout(PATIENCE_S)
            client.bind((packet.source, 0))
            try:
                client.connect((packet.destination, packet.port))
            except TimeoutError:
                return Outcome(DROPPED)
            except ConnectionRefusedError:
                return Outcome(REJECTED)
            ready, _, _ = select.select(list(self._servers), [], [], PATIENCE_S)
            taken, (sender, _) = ready[0].accept()
            taken.close()
            return Outcome(ARRIVES, f"{self._servers[ready[0]]}:{TARGET_PORT}", sender)


def services(chance: random.Random) -> tuple[list[Service], list[EndpointSlice]]:
    made: list[Service] = []
    slices: list[EndpointSlice] = []
    for number in range(3):
        port = ServicePort(name="http", protocol="TCP", port=PORT, nodePort=NODE_PORT + number)
        policies = {name: chance.choice(("Cluster", "Local")) for name in ("external", "internal")}
        spec = ServiceSpec(
            type="NodePort",
            clusterIP=f"10.96.0.{number + 1}",
            ports=[port],
            sessionAffinity=chance.choice(("None", "ClientIP")),
            externalTrafficPolicy=policies["external"],
            internalTrafficPolicy=chance.choice(("Cluster", "Cluster", policies["internal"])),
        )
        made.append(Service(metadata=ObjectMeta(name=f"s{number}", namespace="shop"), spec=spec))
        ends = [
            Endpoint(addresses=[pod.address], nodeName=pod.node)
            for pod in chance.sample(list(POLICY_PODS.values()), chance.choice((0, 1, 2, 6)))
        ]
        labels = {SERVICE_NAME_LABEL: f"s{number}"}
        slices.append(
            EndpointSlice(
                metadata=ObjectMeta(name=f"s{number}-a", namespace="shop", labels=labels),
                addressType="IPv4",
                ports=[EndpointPort(name="http", protocol="TCP", port=TARGET_PORT)],
                endpoints=ends,
            )
        )
    return made, slices


def packets(chance: random.Random) -> list[Packet]:
    found: list[Packet] = []
    for _ in range(PACKETS):
        number, source = chance.randrange(3), chance.choice((*LOCAL, CLIENT, NODE))
        if source == CLIENT or chance.random() < 0.3:
            found.append(Packet(source, NODE, NODE_PORT + number, local=True, from_node=source == NODE))
        else:
            found.append(Packet(source, f"10.96.0.{number + 1}", PORT, from_node=source == NODE))
    return found


def fits(found: Followed, outcome: Outcome, packet: Packet) -> bool:
    """Whether the outcome is one of those that were foretold."""
    if outcome.verdict != ARRIVES:
        return any(each.verdict == outcome.verdict and each.odds > 0 for each in found.landings)
    landed = [each for each in found.landings if each.verdict == ARRIVES and each.packet.place == outcome.server]
    # The node's own packets have its address either way.
    return any(packet.from_node or each.masqueraded == (outcome.sender != packet.source) for each in landed)


async def world(seed: int, backend: str, sending: Sending, foreign: str) -> int:
    chance, nft = random.Random(seed), Nft()
    writer, known = backend_of(backend, CLUSTER), Exposures()
    await writer.write(known.change(exposures(*services(chance), CLUSTER)))
    rules = render(cluster("n1", chance.choice(policy_cases()).policies).table())
    await nft.apply(replacement(rules))
    wanted = [*writer.wanted()(), table_of(rules)]
    around = await live.surroundings(IPV4)
    for packet in packets(chance):
        tables = await live.tables(IPV4, nft)
        found = follow(tables, packet, around)
        wrong = findings(tables, wanted, found, follow(wanted, packet, around))
        assert all(each.kind == FOREIGN and each.what == foreign for each in wrong), (seed, packet, wrong)
        total = sum(each.odds for each in found.landings)
        assert abs(total - 1) < 1e-6, (seed, packet, total)
        outcome = sending.send(packet)
        told = [(each.packet.place, each.verdict, each.masqueraded, each.odds) for each in found.landings]
        assert fits(found, outcome, packet), (seed, packet, outcome, told)
    return PACKETS


async def main(backend: str) -> None:
    network = PodNetwork(LOCAL, [*BEYOND, CLIENT], ())
    run("ip", "route", "add", "default", "via", OTHER_NODE)  # without one the node sends nothing to Services
    sending = Sending(network)
    tried = 0
    for seed in range(WORLDS):
        # Another program's rule stands before ours.
        rule = FOREIGN_RULES[seed % len(FOREIGN_RULES)]
        run("iptables-nft", "-I", "FORWARD", "1", *rule.split())
        saved = next(line for line in _saved().splitlines() if line.startswith("-A FORWARD") and "PODLAB" not in line)
        tried += await world(seed, backend, sending, saved.removeprefix("-A FORWARD "))
        run("iptables-nft", "-D", "FORWARD", *rule.split())
        await Nft().apply(replacement(Ruleset()))
    print(tried, "packets")


def _saved() -> str:
    return subprocess.run(["iptables-nft-save"], check=True, capture_output=True, text=True).stdout


asyncio.run(main(sys.argv[1]))
