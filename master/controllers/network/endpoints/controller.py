"""The Endpoints controller: keeps beside a Service's slices the object of the Service's name."""

from __future__ import annotations

import logging
from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.lastwrites import LastWrites
from master.controllers.framework.loop import Loop
from master.controllers.network.endpoints.decide import wanted
from master.controllers.network.slices.endpoints import LEADER_ANNOTATION, is_managed
from master.controllers.network.slices.podselection import PodSelection
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key, key
from podlab.client.client import Client
from podlab.client.informer import Change, Informer
from podlab.core.v1 import endpoints_pb2, service_pb2
from podlab.errors import AlreadyExists, NotFound

log = logging.getLogger(__name__)

# One object holds all addresses, and each change writes all of them: changes of pods are taken together. Who has to
# know at once reads slices.
TOGETHER_S = 0.5


class EndpointsController:
    """Keys are Services'. The object goes with its Service, whoever wrote it."""

    name: Final = "endpoints"

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._informers = informers
        self._endpoints: Informer[endpoints_pb2.Endpoints] = informers.of(endpoints_pb2.Endpoints)
        self._last_writes = LastWrites(self._endpoints)
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        self._selection = PodSelection(informers, self._loop.queue, delay_s=TOGETHER_S)
        informers.services.on_change(lambda change: self._loop.queue.add(change.key))
        self._endpoints.on_change(self._endpoints_changed)

    async def run(self) -> None:
        """Begins with Endpoints whose Service is gone: it may have been deleted while nobody looked."""
        for endpoints in self._endpoints.list():
            at = Key(GroupKind("", "Service"), endpoints.metadata.namespace, endpoints.metadata.name)
            if at not in self._informers.services.store and LEADER_ANNOTATION not in endpoints.metadata.annotations:
                self._loop.queue.add(at)
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        service = self._informers.services.store.get(at)
        present = self._endpoints.get(at.name, at.namespace)
        if service is None:
            await self._delete(present)
        elif is_managed(service) and (present is None or self._last_writes.is_current(present)):
            await self._write(service, present)

    async def _write(self, service: service_pb2.Service, present: endpoints_pb2.Endpoints | None) -> None:
        made = wanted(service, self._selection.pods(service), present)
        if made == present:
            return
        try:
            write = self._client.create if present is None else self._client.update
            self._last_writes.note(await write(made))
        except AlreadyExists:  # the informer shows it soon, and brings the key back
            return
        log.info("%s has %d subsets", key(made), len(made.subsets))

    async def _delete(self, present: endpoints_pb2.Endpoints | None) -> None:
        if present is None:
            return
        metadata = present.metadata
        try:
            await self._client.delete(endpoints_pb2.Endpoints, metadata.name, metadata.namespace, uid=metadata.uid)
        except NotFound:
            return
        log.info("%s goes with its Service", key(present))

    def _endpoints_changed(self, change: Change[endpoints_pb2.Endpoints]) -> None:
        """Those of a Service that is not there yet are left alone until it goes."""
        at = Key(GroupKind("", "Service"), change.key.namespace, change.key.name)
        if at in self._informers.services.store:
            self._loop.queue.add(at)
