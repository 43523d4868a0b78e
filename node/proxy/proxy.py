"""The proxy's loop: what changed is looked at again, and what that changes in the rules is written."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address

from node.command import CommandError
from node.endpointspans import EndpointSpans
from node.family import family_of
from node.proxy import trimmed
from node.proxy.conntrack import ConntrackError
from node.proxy.exposures import ServiceName
from node.proxy.stack import Found, Stack
from podlab.api.objects import Key
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
        node_name: str,
        stacks: Sequence[Stack],
        *,
        verify_period_s: float = VERIFY_PERIOD_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self.synced = asyncio.Event()
        self.stacks = stacks
        self.in_force = EndpointSpans("rules")
        self._verify_period_s = verify_period_s
        self._retry_s = retry_s
        self.services = Informer(client, Service, trim=trimmed.service)
        self.slices = Informer(client, EndpointSlice, trim=trimmed.endpoint_slice)
        self._nodes = Informer(client, Node, field_selector=f"metadata.name={node_name}")
        self._slices_of: dict[ServiceName, set[Key]] = {}
        self._followers: list[Callable[[ServiceName], None]] = []
        self._changed: set[ServiceName] = set()  # to be looked at again
        self._dirty = asyncio.Event()
        self._verified_at = 0.0  # in the loop's time
        self.services.on_change(lambda change: self._mark((change.key.namespace, change.key.name)))
        self.slices.on_change(self._slice_changed)
        self._nodes.on_change(self._node_changed)

    def stack_for(self, address: str) -> Stack:
        """That of the address's family. Raises ValueError when the cluster has none."""
        wanted = family_of(str(ip_address(address)))
        for stack in self.stacks:
            if stack.node.family is wanted:
                return stack
        raise ValueError(f"{address}: there is no {wanted.name} in this cluster: its networks of pods have none")

    def slices_of(self, name: ServiceName) -> list[EndpointSlice]:
        """The Service's, as they are now."""
        return [self.slices.store[key] for key in self._slices_of.get(name, ())]

    def on_slices_change(self, handler: Callable[[ServiceName], None]) -> None:
        """Calls it with each Service whose slices change."""
        self._followers.append(handler)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.services.run())
            group.create_task(self.slices.run())
            group.create_task(self._nodes.run())
            # Rules of an earlier run serve until all lists have arrived.
            await self.services.synced.wait()
            await self.slices.synced.wait()
            await self._nodes.synced.wait()
            try:
                await self._sync_forever()
            finally:
                for stack in self.stacks:
                    await stack.close()

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
                self._dirty.set()
                await asyncio.sleep(self._retry_s)

    async def _sync(self) -> None:
        self.in_force.begin()
        changed = [self._found(*name) for name in self._changed]
        self._changed.clear()
        loop = asyncio.get_running_loop()
        verify = loop.time() >= self._verified_at + self._verify_period_s
        if verify:
            self._verified_at = loop.time()
        # Of two families neither waits for the other, nor suffers from its errors.
        syncs = [stack.sync(changed, verify=verify) for stack in self.stacks]
        for result in await asyncio.gather(*syncs, return_exceptions=True):
            if result is not None:
                raise result
        self.in_force.done()

    def _found(self, namespace: str, name: str) -> Found:
        return (namespace, name), self.services.get(name, namespace), self.slices_of((namespace, name))

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
            if each is change.new and self.slices.synced.is_set():
                self.in_force.ready(change.key.namespace, name, change.old, each)
            for handler in self._followers:
                handler((change.key.namespace, name))

    def _node_changed(self, change: Change[Node]) -> None:
        differs = [stack.node_changed(change.new or Node()) for stack in self.stacks]
        if any(differs):
            self._changed |= {(key.namespace, key.name) for key in self.services.store}
            self._dirty.set()
