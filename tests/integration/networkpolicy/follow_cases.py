"""Run as a node of its own: each case's rules follow those of the case before, and real packets meet them."""

import asyncio
from itertools import product

from podlab_testing.pod_network import PodNetwork
from podlab_testing.policy_cases import OUTSIDE, PLACES, PODS, cluster, gets_through, policy_cases

from node.networkpolicy.cut import FlowCutter
from node.networkpolicy.script import FAMILY, TABLE, Ruleset, difference, render, replacement
from node.networkpolicy.table import Packet
from node.nftables import Nft

PORTS = [("tcp", 80), ("udp", 53), ("sctp", 132)]


async def main() -> None:
    cases = policy_cases()
    told = {packet for case in cases for packet in (*case.passing, *case.stopped)}
    local = [pod.address for pod in PODS.values() if pod.node == "n1"]
    beyond = [pod.address for pod in PODS.values() if pod.node != "n1"] + list(OUTSIDE.values())
    network = PodNetwork(local, beyond, {*PORTS, *((packet.protocol, packet.port) for packet in told)})
    between = product(PLACES.values(), PLACES.values(), PORTS)
    every = {Packet(source, to, *port) for source, to, port in between if source in local or to in local}
    nft, present = Nft(), Ruleset()
    for case in cases:
        tables = {"n1": cluster("n1", case.policies).table()}
        wanted = render(tables["n1"])
        if script := difference(present, wanted):
            await nft.apply(script)
        present = wanted
        # A port that a client had before may be another's now, whose packets would be of that flow.
        await FlowCutter().cut(tables["n1"])
        # A packet to the address that it is from does not leave its pod; other nodes are not here to send or to answer.
        tried = {packet for packet in {*every, *case.passing, *case.stopped} if is_of_the_node(packet, local)}
        expected = {packet for packet in tried if gets_through(tables, packet)}
        found = network.passing(tried)
        assert found == expected, (case.name, found - expected, expected - found, await shown(nft))
        before = await shown(nft) if wanted.chains else []
        await nft.apply(replacement(wanted))
        assert before == (await shown(nft) if wanted.chains else []), case.name
    print(len(cases), "cases,", len(every), "packets each")


def is_of_the_node(packet: Packet, local: list[str]) -> bool:
    return packet.source != packet.destination and (packet.source in local or packet.destination in local)


async def shown(nft: Nft) -> list[str]:
    """The table's lines, whichever order they were added in."""
    return sorted((await nft.listing(FAMILY, TABLE)).splitlines())


asyncio.run(main())
