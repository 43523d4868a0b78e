"""podlab-proxy: Services, load balancers and NetworkPolicies of one node. `--cleanup` removes its rules and ends."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path

from node.family import FAMILIES, IPV4, Family, family_of
from node.iptables import Iptables, clean_up_everywhere
from node.loadbalancer.announcer import Announcer
from node.loadbalancer.heartbeat import cluster_marks
from node.loadbalancer.memory import Memory
from node.loadbalancer.responder import Identity
from node.networkpolicy.cut import FlowCutter
from node.networkpolicy.enforcer import Enforcer, remove_table
from node.nftables import Nft
from node.proxy.backend import Backend
from node.proxy.generation import OwnGeneration
from node.proxy.iptables.writer import IptablesBackend
from node.proxy.nftables import writer as services
from node.proxy.nftables.layout import TABLE
from node.proxy.nftables.writer import NftablesBackend
from node.proxy.node import ProxyNode
from node.proxy.proxy import Proxy
from node.proxy.server import ProxyServicer
from node.proxy.settings import ProxySettings
from node.proxy.stack import Stack
from podlab import component
from podlab.api.values.addresspool import AddressPool, PoolError, parse_pool
from podlab.api.values.ipfamilies import listed, networks
from podlab.renewed import Renewed
from podlab.settings import SettingsError
from podlab.spans import service as spans
from podlab.v1 import proxy_pb2, proxy_pb2_grpc

log = logging.getLogger(__name__)

APISERVER_USER = "system:apiserver"


async def serve(settings: ProxySettings, stop: asyncio.Event) -> None:
    """Runs until `stop` is set; the rules stay, so Services outlive a restart. Raises SettingsError."""
    pool = _pool(settings)
    server, checks = component.grpc_server(
        settings.tls,
        f"{settings.bind_address}:{settings.port}",
        [proxy_pb2.DESCRIPTOR.services_by_name["Proxy"].full_name, spans.SERVICE],
        allowed_users=frozenset({APISERVER_USER}),
    )
    async with component.client(settings.apiserver, settings.tls, "proxy") as client:
        stacks = [Stack(node, _backend(settings.backend, node)) for node in nodes(settings)]
        proxy = Proxy(client, settings.node_name, stacks)
        enforcer = Enforcer(client, settings.node_name, Nft(), FlowCutter())
        proxy_pb2_grpc.add_ProxyServicer_to_server(ProxyServicer(proxy, enforcer, Nft()), server)
        spans.add_to(server, proxy.in_force.spans)
        loops = [proxy.run(), enforcer.run() if settings.network_policies else _without_policies()]
        if pool:
            loops.append(Announcer(client, proxy, _identity(settings), pool, _memory()).run())
        await component.serve_loop(server, checks, _run(loops), proxy.synced, stop)


def nodes(settings: ProxySettings) -> list[ProxyNode]:
    """The node in each family of the pods' network. Raises ValueError for networks that are none."""
    return [_node(settings, cidr, family_of(cidr)) for cidr in map(str, networks(settings.cluster_cidr))]


def _node(settings: ProxySettings, cluster_cidr: str, family: Family) -> ProxyNode:
    return ProxyNode(
        settings.node_name,
        cluster_cidr,
        frozenset(each for each in listed(settings.node_ip) if family_of(each) is family),
        node_port_addresses=tuple(each for each in settings.node_port_addresses if family_of(each) is family),
        # Of IPv6 the kernel lets nothing from the loopback out.
        localhost_node_ports=settings.localhost_node_ports and family is IPV4,
        family=family,
    )


def _backend(name: str, node: ProxyNode) -> Backend:
    """Raises CommandError for a name that is none's."""
    nft = Nft()
    if name == "nftables":
        return NftablesBackend(node, nft, OwnGeneration(nft, (TABLE,), node.family))
    return IptablesBackend(node, Iptables(name, node.family), nft)


def _pool(settings: ProxySettings) -> AddressPool:
    try:
        return parse_pool(settings.load_balancer_pool)
    except PoolError as error:
        raise SettingsError(f"load_balancer_pool: {error}") from error


def _identity(settings: ProxySettings) -> Identity:
    address = next((each for each in listed(settings.node_ip) if family_of(each) is IPV4), "")
    ca = settings.tls.ca
    marks = Renewed(lambda: cluster_marks(ca.read_bytes()), [ca])
    return Identity(settings.node_name, address, marks, settings.kubelet_port)


def _memory() -> Memory:
    """In the directory that systemd makes for the unit, and keeps over restarts."""
    directory = os.environ.get("RUNTIME_DIRECTORY")
    return Memory(Path(directory) / "answers.json" if directory else None)


async def _without_policies() -> None:
    """Raises CommandError."""
    if await remove_table(Nft()):
        log.info("network policies' rules removed: the pods' network is not Podlab's")


async def _run(loops: Sequence[Coroutine[None, None, None]]) -> None:
    """They have the same privileges, and one process takes less memory than three. None waits for another."""
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(loop)


async def clean_up() -> None:
    """Removes our rules from every backend that is installed. Raises CommandError."""
    for backend in await clean_up_everywhere():
        log.info("rules removed from %s", backend)
    for family in FAMILIES:
        if await services.remove_table(Nft(), family):
            log.info("%s: rules removed from nftables", family.name)
    if await remove_table(Nft()):
        log.info("network policies' rules removed")


def main() -> None:
    """The console script."""
    if "--cleanup" in sys.argv[1:]:
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
        asyncio.run(clean_up())
        return
    component.run("proxy", ProxySettings, serve)
