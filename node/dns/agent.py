"""The loop that keeps the node's DNS server true to the API: what changes is written down, and the server is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from node import resolvconf
from node.command import CommandError
from node.dns import journal, link, metrics, records, upstream
from node.dns.names import Names, Place
from node.dns.records import Cluster
from node.dns.server import DnsServer, ServerError
from node.endpointspans import EndpointSpans
from node.nftables import Nft
from podlab.api.objects import Key
from podlab.api.values.ipfamilies import Network
from podlab.client.client import Client
from podlab.client.informer import Change, Informer
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice

log = logging.getLogger(__name__)

VERIFY_PERIOD_S = 10.0  # how soon the node's own resolv.conf is read again, and the address put back
RETRY_S = 1.0


@dataclass(frozen=True)
class NodeDns:
    """What the agent of a node knows without asking.

    `defaults` hold where the ConfigMap has no such key. `managed_address`: the link with the address is the agent's.
    """

    cluster: Cluster
    networks: tuple[Network, ...]
    defaults: Mapping[str, str] = field(default_factory=dict)
    managed_address: bool = True


class DnsAgent:
    """`run` for ever. `synced` once the server knows all names; `names` are these, for traces."""

    def __init__(self, client: Client, node: NodeDns, server: DnsServer, *, verify_period_s: float = VERIFY_PERIOD_S):
        self.synced = asyncio.Event()
        self.node = node
        self.in_force = EndpointSpans("names")
        self._server = server
        self._verify_period_s = verify_period_s
        self._services = Informer(client, Service, trim=records.kept_service)
        self._slices = Informer(client, EndpointSlice, trim=records.kept_slice)
        self._namespaces = Informer(client, Namespace)
        self._config = Informer(
            client, ConfigMap, namespace=upstream.NAMESPACE, field_selector=f"metadata.name={upstream.NAME}"
        )
        self.names = Names(node.cluster, self._services.store, self._slices.store)
        self._upstream = upstream.UpstreamConfig()
        self._touched: set[Place] = set()
        self._touched_namespaces: set[str] = set()
        self._config_changed = True
        self._written = False  # whether the files hold all that `names` have
        self._untold = True  # whether something is written that not both servers have read
        self._dirty = asyncio.Event()
        self._follow()

    def _follow(self) -> None:
        self._services.on_change(self._service_changed)
        self._slices.on_change(self._slice_changed)
        self._namespaces.on_change(self._namespace_changed)
        self._config.on_change(self._config_map_changed)

    def _touch(self, places: set[Place]) -> None:
        self._touched |= places
        self._dirty.set()

    def _service_changed(self, change: Change[Service]) -> None:
        self._touch({_place(change.key)})
        if change.old is None and self._services.synced.is_set():
            self.in_force.seen(*_place(change.key))

    def _slice_changed(self, change: Change[EndpointSlice]) -> None:
        self._touch(self.names.slice_changed(change))
        if change.new is None or not self._slices.synced.is_set():
            return
        namespace, name = change.key.namespace, records.service_name(change.new)
        service = self._services.get(name, namespace)
        if service is None or records.is_headless(service):  # one that comes later may be
            self.in_force.ready(namespace, name, change.old, change.new)

    def _namespace_changed(self, change: Change[Namespace]) -> None:
        self._touched_namespaces.add(change.key.name)
        self._dirty.set()

    def _config_map_changed(self, change: Change[ConfigMap]) -> None:
        self._config_changed = True
        self._dirty.set()

    async def run(self) -> None:
        informers = (self._services, self._slices, self._namespaces, self._config)
        async with asyncio.TaskGroup() as group:
            for informer in informers:
                group.create_task(informer.run())
            for informer in informers:
                await informer.synced.wait()
            group.create_task(self._verify_forever())
            if self.node.managed_address:
                group.create_task(self._serve_metrics())
            await self._sync_forever()

    async def _serve_metrics(self) -> None:
        await self.synced.wait()  # the address is there then
        await metrics.serve(self.node.cluster.dns_address, self.metrics)

    async def _verify_forever(self) -> None:
        """Has the loop look again at what tells nobody when it changes."""
        while True:
            await asyncio.sleep(self._verify_period_s)
            self._config_changed = True
            self._dirty.set()

    async def _sync_forever(self) -> None:
        self._dirty.set()
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            try:
                await self.sync()
                self.synced.set()
            except (ServerError, link.LinkError, CommandError, OSError) as error:
                log.error("%s; again in %.0f s", error, RETRY_S)
                self._untold = self._config_changed = True
                self._dirty.set()
                await asyncio.sleep(RETRY_S)

    async def sync(self) -> None:
        """Writes what has changed, and tells the servers. Raises ServerError, LinkError, CommandError, OSError."""
        self.in_force.begin()
        lines, verify = self._changed_lines(), self._config_changed
        if verify:
            self._config_changed = False
            lines += self._read_config_map()
        self._write(lines)
        if verify:
            await self._ensure_address()
        if self._untold:
            self._untold = not await self._server.tell()
            if self._untold:  # one starts, and may have read before that was written
                asyncio.get_running_loop().call_later(RETRY_S, self._dirty.set)
        self.in_force.done()  # a server that only starts reads all before it answers

    def _write(self, lines: list[str]) -> None:
        """What could not be written is written with all the rest the next time. Raises OSError."""
        whole, self._written = self._written and self._server.is_known, False
        config = self._config_text()
        if whole:
            self._server.write(lines)
            self._untold |= self._server.write_config(config) or self._server.shorten() or bool(lines)
        else:
            count = self._server.write_all(self.names.all_lines(), config)
            self._untold = True
            log.info("%d names differ from those that were written before", count)
        self._written = True

    def _changed_lines(self) -> list[str]:
        places, self._touched = self._touched, set()
        namespaces, self._touched_namespaces = self._touched_namespaces, set()
        return [
            *self.names.look_at_services(places),
            *self.names.look_at_namespaces(self._namespaces.store, namespaces),
        ]

    async def _ensure_address(self) -> None:
        """Puts back what another program may have taken away."""
        if self.node.managed_address:
            address = self.node.cluster.dns_address
            if await link.ensure(address):
                log.info("DNS is answered at %s", address)
            await link.write_rules(Nft(), address)

    def _read_config_map(self) -> list[str]:
        """Lines of the names that it adds. What cannot be used as a whole changes nothing."""
        found = self._config.get(upstream.NAME, upstream.NAMESPACE)
        data = {**self.node.defaults, **(found.data if found is not None else {})}
        try:
            parsed = upstream.parse(data, self.node.cluster.domain)
        except upstream.BadConfig as error:
            log.error("%s; what was there before stays", error)
            return []
        if parsed == self._upstream:
            return []
        self._upstream = parsed
        return self.names.set_hosts(parsed.hosts)

    async def metrics(self) -> str:
        """What the node's servers have done and know, in Prometheus' text format."""
        return metrics.render(await self._server.figures(), len(self.names.zone.names()))

    def asked_about(self, name: str) -> str:
        """Who is asked about a name that is not the cluster's, in words; empty about the cluster's own."""
        if any(name == zone or name.endswith(f".{zone}") for zone in self._zones()):
            return ""
        return upstream.asked_about(name, self._upstream.upstreams(self._own_servers()))

    def _zones(self) -> list[str]:
        return [self.node.cluster.domain, *records.reverse_zones(self.node.networks)]

    def _own_servers(self) -> list[str]:
        """The node's own resolvers, as the DNS server names them."""
        servers: list[str] = []
        for each in resolvconf.of_node().servers:
            if each != self.node.cluster.dns_address:
                with suppress(ValueError):  # an IPv6 address of one link, which others cannot use
                    servers.append(upstream.server(each))
        return servers

    def _config_text(self) -> str:
        cluster, upstreams = self.node.cluster, self._upstream.upstreams(self._own_servers())
        return journal.config(self._zones(), records.start_of_authority(cluster), cluster.pods, upstreams)


def _place(key: Key) -> Place:
    return key.namespace, key.name
