"""A DNS agent in a process of its own, but for the address, which is the bench's loopback."""

from __future__ import annotations

import asyncio
import sys
from ipaddress import IPv4Network
from pathlib import Path

import uvloop

from node.dns.agent import DnsAgent, NodeDns
from node.dns.records import Cluster
from node.dns.server import DnsServer
from podlab.client.client import Client
from podlab.tls import Tls


async def run(server: str, ca: Path, cert: Path, key: Path, directory: Path) -> None:
    networks = (IPv4Network("10.96.0.0/16"), IPv4Network("10.244.0.0/16"))
    node = NodeDns(Cluster("cluster.local", "10.96.0.10"), networks, managed_address=False)
    async with Client(server, Tls(ca, cert, key)) as client:
        agent = DnsAgent(client, node, DnsServer(directory))
        running = asyncio.create_task(agent.run())
        await agent.synced.wait()
        sys.stdout.write("synced\n")
        sys.stdout.flush()
        await running


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1], *map(Path, sys.argv[2:])))
