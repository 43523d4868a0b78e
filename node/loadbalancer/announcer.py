"""Tells the responder what is to be answered for, as the API has it, and the API what the responder did.

When the API server is away, all goes on with what was known: nodes hear of each other without it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from node.loadbalancer import wanted
from node.loadbalancer.memory import Memory
from node.loadbalancer.responder import Identity, Responder
from node.loadbalancer.segment import Move
from podlab.api.loadbalancers import is_ours
from podlab.api.values.addresspool import AddressPool
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change, Informer
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice

log = logging.getLogger(__name__)

COMPONENT = "podlab-load-balancer"
# (namespace, name)
ServiceName = tuple[str, str]


class KnownServices(Protocol):
    """All Services and their EndpointSlices, as the proxy follows them for itself."""

    services: Informer[Service]
    slices: Informer[EndpointSlice]

    def slices_of(self, name: ServiceName) -> Sequence[EndpointSlice]: ...

    def on_slices_change(self, handler: Callable[[ServiceName], None]) -> None:
        """Calls it with each Service whose slices change."""


class Announcer:
    """`run` for ever."""

    def __init__(
        self, client: Client, known: KnownServices, identity: Identity, pool: AddressPool, memory: Memory
    ) -> None:
        self._known = known
        self._pool = pool
        self._nodes = Informer(client, Node, trim=wanted.trimmed)
        self._recorder = EventRecorder(client, COMPONENT, identity.node)
        self._identity = identity
        self._moves: asyncio.Queue[Move] = asyncio.Queue()
        self._balanced: dict[ServiceName, Service] = {}
        self._dirty = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.responder = Responder(identity, pool, memory, self._moved)
        known.services.on_change(self._service_changed)
        known.on_slices_change(self._slices_changed)
        self._nodes.on_change(lambda _: self._dirty.set())

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._nodes.run())
            group.create_task(self._recorder.run())
            group.create_task(self._tell_moves())
            group.create_task(self._respond())
            for informer in (self._nodes, self._known.services, self._known.slices):
                await informer.synced.wait()
            self._dirty.set()
            while True:
                await self._dirty.wait()
                self._dirty.clear()
                self.responder.want(self._wanted(), wanted.addresses_of(self._nodes.store.values()))

    async def _respond(self) -> None:
        thread = asyncio.create_task(asyncio.to_thread(self.responder.run))
        try:
            await asyncio.shield(thread)
        finally:
            self.responder.stop()
            await thread

    def _wanted(self) -> Mapping[str, wanted.WantedAddress]:
        nodes = {
            node.metadata.name: standing
            for node in self._nodes.store.values()
            if (standing := wanted.standing_of(node)) is not None
        }
        found: dict[str, wanted.WantedAddress] = {}
        for name in sorted(self._balanced):
            slices = self._known.slices_of(name)
            for address, about in wanted.wanted_of(self._balanced[name], slices, nodes, self._pool).items():
                found.setdefault(address, about)
        return found

    def _service_changed(self, change: Change[Service]) -> None:
        name = (change.key.namespace, change.key.name)
        if change.new is not None and is_ours(change.new.spec):
            self._balanced[name] = change.new
        elif self._balanced.pop(name, None) is None:
            return
        self._dirty.set()

    def _slices_changed(self, name: ServiceName) -> None:
        if name in self._balanced:
            self._dirty.set()

    def _moved(self, move: Move) -> None:
        """In the responder's thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._moves.put_nowait, move)

    async def _tell_moves(self) -> None:
        while True:
            move = await self._moves.get()
            service = self._balanced.get(move.service)
            if service is None:
                log.info("no longer answers for %s: its Service is gone", move.address)
            elif move.other:
                message = f"{move.address} is answered for by {move.other}, which is no node: {_REMEDY}"
                log.warning("%s", message)
                self._recorder.event(service, "Warning", "AddressInUse", message)
            elif move.answers:
                log.info("answers for %s, service %s: %s", move.address, "/".join(move.service), move.why)
                message = (
                    f'announcing {move.address} from node "{self._identity.node}" with protocol "layer2": {move.why}'
                )
                self._recorder.event(service, "Normal", "nodeAssigned", message)
            else:
                log.info("no longer answers for %s, service %s: %s", move.address, "/".join(move.service), move.why)


_REMEDY = "take it from that machine, or out of podlab_load_balancer_pool"
