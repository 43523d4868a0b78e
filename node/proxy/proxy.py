"""The proxy's loop: on any change all rules are rendered, and those that differ are written."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace

from node.command import CommandError
from node.iptables import Iptables, Ruleset, restore_input
from node.proxy import conntrack
from node.proxy.rules import PREFIX, Chains, ProxyNode, render, to_ruleset
from podlab.api.selection.labels import ZONE_LABEL
from podlab.client.client import Client
from podlab.client.informer import Change, Informer
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice

log = logging.getLogger(__name__)

VERIFY_PERIOD_S = 10.0  # how soon rules that another program removed are put back
RETRY_S = 2.0


class Proxy:
    """`run` for ever. `chains` are the rules as last written, for traces."""

    def __init__(
        self,
        client: Client,
        node: ProxyNode,
        iptables: Iptables,
        *,
        verify_period_s: float = VERIFY_PERIOD_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self.chains: Chains = render((), (), node)
        self.synced = asyncio.Event()
        self.node = node
        self._verify_period_s = verify_period_s
        self._retry_s = retry_s
        self._iptables = iptables
        self._services = Informer(client, Service)
        self._slices = Informer(client, EndpointSlice)
        self._nodes = Informer(client, Node, field_selector=f"metadata.name={node.name}")
        self._dirty = asyncio.Event()
        self._written: Ruleset | None = None  # None: the present rules are not known
        self._verified_at = -verify_period_s  # when the tables were last read, in the loop's time
        self._other_backends_clean = False
        self._services.on_change(lambda _: self._dirty.set())
        self._slices.on_change(lambda _: self._dirty.set())
        self._nodes.on_change(self._node_changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._services.run())
            group.create_task(self._slices.run())
            group.create_task(self._nodes.run())
            # Rules of an earlier run serve until all lists have arrived.
            await self._services.synced.wait()
            await self._slices.synced.wait()
            await self._nodes.synced.wait()
            await self._sync_forever()

    async def _sync_forever(self) -> None:
        self._dirty.set()
        loop = asyncio.get_running_loop()
        while True:
            # A deadline and not a pause, so that the tables are read also in a cluster that always changes.
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._verified_at + self._verify_period_s):
                    await self._dirty.wait()
            if loop.time() >= self._verified_at + self._verify_period_s:
                self._written = None
            self._dirty.clear()
            try:
                await self.sync()
                await self._clean_other_backends()
                self.synced.set()
            except (CommandError, conntrack.ConntrackError) as error:
                log.error("rules not written: %s; again in %.0f s", error, self._retry_s)
                self._written = None
                self._dirty.set()
                await asyncio.sleep(self._retry_s)

    async def sync(self) -> None:
        """Writes the rules that differ from the present ones. Raises CommandError, ConntrackError."""
        chains = render(self._services.store.values(), self._slices.store.values(), self.node)
        wanted = to_ruleset(chains)
        current = self._written
        if current is None:
            self._verified_at = asyncio.get_running_loop().time()
            current = await self._iptables.read(PREFIX)
        text = restore_input(current, wanted)
        self._written = None
        await self._iptables.restore(text)
        self._written, self.chains = wanted, chains
        if text:
            log.info("rules written: %s", _summary(wanted))
        ended = await conntrack.end_stale(chains, self.node.addresses)
        if ended:
            log.info("%d UDP flows to endpoints that are gone ended", ended)

    def _node_changed(self, change: Change[Node]) -> None:
        """Only the node's zone matters, which hardly ever changes."""
        zone = change.new.metadata.labels.get(ZONE_LABEL, "") if change.new is not None else ""
        if zone != self.node.zone:
            self.node = replace(self.node, zone=zone)
            self._dirty.set()

    async def _clean_other_backends(self) -> None:
        """Removes the rules that an earlier run wrote with another backend. Raises CommandError."""
        if not self._other_backends_clean:
            for name in await self._iptables.clean_up_others(PREFIX):
                log.info("rules removed from %s, which is no longer used", name)
            self._other_backends_clean = True


def _summary(ruleset: Ruleset) -> str:
    return ", ".join(f"{len(table.chains)} chains in {name}" for name, table in ruleset.items())
