"""The proxy's loop: what changed is looked at again, and what that changes in the rules is written."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace

from node.command import CommandError
from node.proxy import conntrack, trimmed
from node.proxy.backend import Backend
from node.proxy.conntrack import ConntrackError
from node.proxy.exposures import Exposures, ServiceName
from node.proxy.frontends import Exposure, Place, exposure_of
from node.proxy.health import HealthServers
from node.proxy.node import ProxyNode
from podlab.api.objects import Key
from podlab.api.selection.labels import ZONE_LABEL
from podlab.client.client import Client
from podlab.client.informer import Change, Informer
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice

log = logging.getLogger(__name__)

VERIFY_PERIOD_S = 5.0  # how soon rules that another program removed are put back
RETRY_S = 2.0


class Proxy:
    """`run` for ever."""

    def __init__(
        self,
        client: Client,
        node: ProxyNode,
        backend: Backend,
        *,
        verify_period_s: float = VERIFY_PERIOD_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self.synced = asyncio.Event()
        self.node = node
        self.backend = backend
        self._verify_period_s = verify_period_s
        self._retry_s = retry_s
        self._services = Informer(client, Service, trim=trimmed.service)
        self._slices = Informer(client, EndpointSlice, trim=trimmed.endpoint_slice)
        self._nodes = Informer(client, Node, field_selector=f"metadata.name={node.name}")
        self._slices_of: dict[ServiceName, set[Key]] = {}
        self._exposures = Exposures()
        self._changed: set[ServiceName] = set()  # to be looked at again
        self._dirty = asyncio.Event()
        self._verified_at = 0.0  # in the loop's time
        self._health = HealthServers()
        self._others_clean = False
        self._behind = True  # whether the kernel lacks something that is to be written
        self._unsettled: dict[Place, frozenset[str]] = {}  # places whose flows may go elsewhere than they are to
        self._services.on_change(lambda change: self._mark((change.key.namespace, change.key.name)))
        self._slices.on_change(self._slice_changed)
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
            try:
                await self._sync_forever()
            finally:
                await self._health.close()

    async def _sync_forever(self) -> None:
        self._dirty.set()
        while True:
            # A deadline and not a pause, so that the rules are looked at also in a cluster that always changes.
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._verified_at + self._verify_period_s):
                    await self._dirty.wait()
            self._dirty.clear()
            try:
                await self._sync()
                self.synced.set()
            except (CommandError, ConntrackError) as error:
                log.error("rules not written: %s; again in %.0f s", error, self._retry_s)
                self._behind = True
                self._dirty.set()
                await asyncio.sleep(self._retry_s)

    async def _sync(self) -> None:
        changed = {name: self._exposure(*name) for name in self._changed}
        self._changed.clear()
        delta = self._exposures.change(changed)
        await self._health.follow(changed)
        self._unsettled.update(conntrack.unsettled(delta))
        if delta or self._behind:
            self._behind = True
            _log(await self.backend.write(delta))
            self._behind = False
            await self._end_stale()
        loop = asyncio.get_running_loop()
        if loop.time() >= self._verified_at + self._verify_period_s:
            self._verified_at = loop.time()
            _log(await self.backend.verify())
        if not self._others_clean:
            for name in await self.backend.clean_up_others():
                log.info("rules removed from %s, which is no longer used", name)
            self._others_clean = True

    def _exposure(self, namespace: str, name: str) -> Exposure:
        service = self._services.get(name, namespace)
        if service is None:
            return Exposure()
        keys = self._slices_of.get((namespace, name), ())
        return exposure_of(service, [self._slices.store[key] for key in keys], self.node)

    async def _end_stale(self) -> None:
        ended = await conntrack.end_stale(self._unsettled, self.node.addresses)
        self._unsettled.clear()
        if ended:
            log.info("%d flows to endpoints that are gone ended", ended)

    def _mark(self, name: ServiceName) -> None:
        self._changed.add(name)
        self._dirty.set()

    def _slice_changed(self, change: Change[EndpointSlice]) -> None:
        for each in (change.old, change.new):
            name = trimmed.service_name(each) if each is not None else ""
            if not name:
                continue
            keys = self._slices_of.setdefault((change.key.namespace, name), set())
            if each is change.new:
                keys.add(change.key)
            else:
                keys.discard(change.key)
            if not keys:
                del self._slices_of[change.key.namespace, name]
            self._mark((change.key.namespace, name))

    def _node_changed(self, change: Change[Node]) -> None:
        """Only the node's zone and its pods' range matter, which hardly ever change."""
        new = change.new or Node()
        node = replace(self.node, zone=new.metadata.labels.get(ZONE_LABEL, ""), pod_cidr=new.spec.podCIDR)
        if node != self.node:
            self.node = node
            self._changed |= {(key.namespace, key.name) for key in self._services.store}
            self._dirty.set()


def _log(written: str) -> None:
    if written:
        log.info("rules written: %s", written)
