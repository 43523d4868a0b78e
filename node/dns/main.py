"""podlab-dns: feeds the node's DNS server. `--cleanup` removes what it set up in the kernel, and ends."""

from __future__ import annotations

import asyncio
import logging
import sys

from node.dns import link, upstream
from node.dns.agent import DnsAgent, NodeDns
from node.dns.records import Cluster
from node.dns.server import DnsServer
from node.dns.settings import DnsSettings
from node.dns.tracing import DnsServicer
from node.nftables import Nft
from podlab import component
from podlab.api.values.ipfamilies import networks
from podlab.settings import SettingsError
from podlab.spans import service as spans
from podlab.v1 import dns_pb2, dns_pb2_grpc

APISERVER_USER = "system:apiserver"


async def serve(settings: DnsSettings, stop: asyncio.Event) -> None:
    """Runs until `stop` is set; the DNS server goes on with what it knows."""
    server, checks = component.grpc_server(
        settings.tls,
        f"{settings.bind_address}:{settings.port}",
        [dns_pb2.DESCRIPTOR.services_by_name["Dns"].full_name, spans.SERVICE],
        allowed_users=frozenset({APISERVER_USER}),
    )
    own = (*networks(settings.service_cidr), *networks(settings.pod_cidr))
    node = NodeDns(Cluster(settings.domain, settings.address), own, _defaults(settings))
    async with component.client(settings.apiserver, settings.tls, "dns") as client:
        agent = DnsAgent(client, node, DnsServer(settings.directory))
        dns_pb2_grpc.add_DnsServicer_to_server(DnsServicer(agent), server)
        spans.add_to(server, agent.in_force.spans)
        await component.serve_loop(server, checks, agent.run(), agent.synced, stop)


def _defaults(settings: DnsSettings) -> dict[str, str]:
    """Raises SettingsError where they cannot be used."""
    made = upstream.written(settings.forwarders, settings.stub_domains, settings.hosts)
    try:
        upstream.parse(made, settings.domain, where="node_dns_* in the inventory")
    except upstream.BadConfig as error:
        raise SettingsError(str(error)) from error
    return made


def main() -> None:
    """The console script."""
    if "--cleanup" in sys.argv[1:]:
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
        asyncio.run(link.remove(Nft()))
        return
    component.run("dns", DnsSettings, serve)
