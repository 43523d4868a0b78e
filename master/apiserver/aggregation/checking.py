"""Looks whether the servers behind APIServices can be reached, and writes it into their condition Available."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from master.apiserver.admission.write import Write
from master.apiserver.aggregation import availability, registration, remote
from master.apiserver.aggregation.priorities import GroupVersion
from master.apiserver.aggregation.registering import WRITING
from master.apiserver.aggregation.remote import RemoteServers
from master.apiserver.aggregation.services import ApiServices
from master.apiserver.registry.registry import Registry
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CacheEvent
from podlab.api import kinds
from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.api.values import times
from podlab.apiregistration.v1.apiservice_pb2 import APIService, APIServiceCondition
from podlab.client.workqueue import WorkQueue, run_workers
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.errors import ApiError, Conflict, NotFound
from podlab.meta.v1 import meta_pb2

# What changes nothing that is watched is seen so late at most: a server that hangs, a node that is cut off.
EVERY_S = 30.0
WORKERS = 5
# When one does not answer, so many more are asked at once: each may be sent to another endpoint, and one that answers
# is enough.
MORE_ATTEMPTS: Final = 4

log = logging.getLogger(__name__)


class Checking:
    """`run` for ever, once `ApiServices` has started. Lives in the event loop."""

    def __init__(
        self,
        cache: Cache,
        registry: Registry,
        services: ApiServices,
        servers: RemoteServers,
        *,
        clock: Callable[[], meta_pb2.Time] = times.now,
        every_s: float = EVERY_S,
    ) -> None:
        self._cache = cache
        self._registry = registry
        self._services = services
        self._servers = servers
        self._clock = clock
        self._every_s = every_s
        self._queue: WorkQueue[GroupVersion] = WorkQueue()

    async def run(self) -> None:
        """Look at each when it, its Service or its endpoints change, and now and then."""
        self._services.follow(self._queue.add)
        self._cache.window(kinds.of(Service)).follow(self._service_changed)
        self._cache.window(kinds.of(EndpointSlice)).follow(self._slice_changed)
        await run_workers(self._queue, self._reconcile, workers=WORKERS, name="availability")

    def _service_changed(self, event: CacheEvent) -> None:
        *_, namespace, name = event.key.split("/")
        self._look_at(namespace, name)

    def _slice_changed(self, event: CacheEvent) -> None:
        if not self._services.remotes:
            return
        for entry in (event.old, event.new):
            if entry is not None:
                own = entry.message_as(EndpointSlice).metadata
                self._look_at(own.namespace, own.labels.get(SERVICE_NAME_LABEL, ""))

    def _look_at(self, namespace: str, name: str) -> None:
        for at, service in self._services.remotes.items():
            if (service.spec.service.namespace, service.spec.service.name) == (namespace, name):
                self._queue.add(at)

    async def _reconcile(self, at: GroupVersion) -> None:
        await self._cache.catch_up()
        service = self._services.remote(at)
        if service is None:
            return
        self._queue.add_after(at, self._every_s)
        said = registration.told(service, await self._found(at, service))
        if said is service:
            return
        try:
            await self._registry.write(Write.update_status(WRITING, said))
        except (Conflict, NotFound) as error:
            log.debug("%s has changed meanwhile and is looked at again: %s", at.service_name, error)
            self._queue.add(at)
            return
        told = said.status.conditions[0]
        log.info("%s: available: %s (%s): %s", at.service_name, told.status, told.reason, told.message)

    async def _found(self, at: GroupVersion, service: APIService) -> APIServiceCondition:
        to, now = service.spec.service, self._clock()
        own = kinds.of(Service)
        entry = self._cache.get(own, keys.object_key(own, to.namespace, to.name))
        found = entry.message_as(Service) if entry is not None else None
        if (said := availability.unreachable(to, found, self._slices(to.namespace, to.name), now)) is not None:
            return said
        why = await self._answers(service, at.path)
        return availability.failed(why, now) if why else availability.passed(now)

    def _slices(self, namespace: str, service: str) -> list[EndpointSlice]:
        own = kinds.of(EndpointSlice)
        entries = self._cache.window(own).ordered(keys.scope_prefix(own, namespace))
        found = (entry.message_as(EndpointSlice) for entry in entries)
        return [one for one in found if one.metadata.labels.get(SERVICE_NAME_LABEL) == service]

    async def _answers(self, service: APIService, path: str) -> str:
        """Why it does not; nothing when it does."""
        if not (why := await self._answer(service, path)):
            return ""
        asked = [asyncio.create_task(self._answer(service, path)) for _ in range(MORE_ATTEMPTS)]
        try:
            for one in asyncio.as_completed(asked):
                if not (why := await one):
                    return ""
            return why
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def _answer(self, service: APIService, path: str) -> str:
        url = remote.url(service, path)
        try:
            answer = await self._servers.probe(service, path)
        except ApiError as error:
            return f"failing or missing response from {url}: {error.message}"
        if 200 <= answer.status < 300:
            return ""
        return f"failing or missing response from {url}: bad status from {url}: {answer.status}"
