"""The proxy's loop: whatever changed, the whole truth is rendered and what differs is written."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace

from node.iptables import Iptables, IptablesError, Ruleset, restore_input
from node.proxy import conntrack
from node.proxy.rules import PREFIX, Chains, Place, render, to_ruleset
from podlab.api.labels import ZONE_LABEL
from podlab.client.client import Client
from podlab.client.informer import Change, Informer
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice

log = logging.getLogger(__name__)

VERIFY_EVERY_S = 10.0  # how soon rules that another program removed are put back
RETRY_S = 2.0


class Proxy:
    """`run` for ever. `chains` are the rules as last written, for traces."""

    def __init__(self, client: Client, place: Place, iptables: Iptables) -> None:
        self.chains: Chains = render((), (), place)
        self.synced = asyncio.Event()
        self.place = place
        self._iptables = iptables
        self._services = Informer(client, Service)
        self._slices = Informer(client, EndpointSlice)
        self._nodes = Informer(client, Node, field_selector=f"metadata.name={place.node_name}")
        self._dirty = asyncio.Event()
        self._written: Ruleset | None = None  # None: what stands is not known
        self._verified_at = -VERIFY_EVERY_S  # when the tables were last read, as the loop counts time
        self._alone = False  # no other backend holds rules of ours
        self._services.on_change(lambda _: self._dirty.set())
        self._slices.on_change(lambda _: self._dirty.set())
        self._nodes.on_change(self._node_changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._services.run())
            group.create_task(self._slices.run())
            group.create_task(self._nodes.run())
            # Rules of an earlier run serve until we know what is true now.
            await self._services.synced.wait()
            await self._slices.synced.wait()
            await self._nodes.synced.wait()
            await self._sync_forever()

    async def _sync_forever(self) -> None:
        self._dirty.set()
        loop = asyncio.get_running_loop()
        while True:
            # A fixed time, and no pause: a cluster in which something always changes is looked after as well.
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._verified_at + VERIFY_EVERY_S):
                    await self._dirty.wait()
            if loop.time() >= self._verified_at + VERIFY_EVERY_S:
                self._written = None
            self._dirty.clear()
            try:
                await self.sync()
                await self._leave_other_backends()
                self.synced.set()
            except (IptablesError, conntrack.ConntrackError) as error:
                log.error("rules not written: %s; again in %.0f s", error, RETRY_S)
                self._written = None
                self._dirty.set()
                await asyncio.sleep(RETRY_S)

    async def sync(self) -> None:
        """Writes what differs from what stands. Raises IptablesError, ConntrackError."""
        chains = render(self._services.store.values(), self._slices.store.values(), self.place)
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
        ended = await conntrack.end_stale(chains, self.place.addresses)
        if ended:
            log.info("%d UDP flows to endpoints that are gone ended", ended)

    def _node_changed(self, change: Change[Node]) -> None:
        """Its status changes often; its zone hardly ever."""
        zone = change.new.metadata.labels.get(ZONE_LABEL, "") if change.new is not None else ""
        if zone != self.place.zone:
            self.place = replace(self.place, zone=zone)
            self._dirty.set()

    async def _leave_other_backends(self) -> None:
        """Removes what an earlier run with another backend left, once ours serve. Raises IptablesError."""
        if not self._alone:
            for name in await self._iptables.clean_up_others(PREFIX):
                log.info("rules removed from %s, which is no longer used", name)
            self._alone = True


def _summary(ruleset: Ruleset) -> str:
    return ", ".join(f"{len(table.chains)} chains in {name}" for name, table in ruleset.items())
