"""Keeps an APIService for each group version that this server answers itself, while kinds come and go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from master.apiserver.admission.write import Deletion, Write, WriteContext
from master.apiserver.aggregation import availability, registration
from master.apiserver.aggregation.priorities import GroupVersion
from master.apiserver.aggregation.services import ApiServices, named
from master.apiserver.authentication.user import SERVER
from master.apiserver.registry.registry import Registry
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds
from podlab.api.values import times
from podlab.apiregistration.v1.apiservice_pb2 import APIService
from podlab.client.workqueue import WorkQueue, run_workers
from podlab.errors import AlreadyExists, Conflict, NotFound
from podlab.meta.v1 import meta_pb2

# Kinds come many at a time: what that means is worked out once for all of them.
GATHERED_S = 0.1
WORKERS = 8
WRITING: Final = WriteContext(SERVER, manager="podlab-apiserver")

log = logging.getLogger(__name__)


class Registering:
    """`run` for ever, once `ApiServices` has started. Lives in the event loop."""

    def __init__(
        self,
        cache: Cache,
        registry: Registry,
        services: ApiServices,
        *,
        clock: Callable[[], meta_pb2.Time] = times.now,
    ) -> None:
        self._cache = cache
        self._registry = registry
        self._services = services
        self._clock = clock
        self._wanted: Mapping[str, APIService] = {}
        self._queue: WorkQueue[GroupVersion] = WorkQueue()
        self._kinds_changed = asyncio.Event()

    async def run(self) -> None:
        """Look at each APIService when it changes, and when kinds do."""
        self._cache.kinds.follow(lambda _: self._kinds_changed.set())
        self._services.follow(self._queue.add)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_kinds())
            group.create_task(run_workers(self._queue, self._reconcile, workers=WORKERS, name="apiservices"))

    async def _follow_kinds(self) -> None:
        while True:
            await self._kinds_changed.wait()
            self._kinds_changed.clear()
            before, self._wanted = self._wanted, registration.wanted(self._cache.catalog)
            for name in before.keys() ^ self._wanted.keys():
                self._queue.add(named(name))
            await asyncio.sleep(GATHERED_S)

    async def _reconcile(self, at: GroupVersion) -> None:
        await self._cache.catch_up()
        found, right = self._services.get(at), self._wanted.get(at.service_name)
        try:
            await self._put_right(found, right)
        except (AlreadyExists, Conflict, NotFound) as error:
            log.debug("%s has changed meanwhile and is looked at again: %s", at.service_name, error)
            self._queue.add(at)

    async def _put_right(self, found: APIService | None, right: APIService | None) -> None:
        if found is None:
            if right is not None:
                await self._registry.write(Write.create(WRITING, right))
            return
        if right is None and registration.is_managed(found):
            deletion = Deletion(kinds.of(APIService), "", found.metadata.name, uid=found.metadata.uid)
            await self._registry.write(Write.delete(WRITING, deletion))
            return
        if right is not None and (correct := registration.corrected(found, right)) is not found:
            await self._registry.write(Write.update(WRITING, correct))
        elif not found.spec.HasField("service"):
            said = registration.told(found, availability.local(self._clock()))
            if said is not found:
                await self._registry.write(Write.update(WRITING, said, subresource="status"))
