"""Follows CustomResourceDefinitions: writes what becomes of them into their status, has their kinds served, and sees to
it that their objects are gone before they are."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Final

from master.apiserver.admission.write import Write, WriteContext
from master.apiserver.authentication.user import User
from master.apiserver.customresources.decide import decide, finished, terminating
from master.apiserver.customresources.names import TakenNames
from master.apiserver.registry.delete_collection import CollectionDeletion, Collections
from master.apiserver.registry.registry import Registry
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CacheEvent
from master.apiserver.watchcache.selection import ListOptions
from podlab.api import definitions, kinds
from podlab.api.kinds import Kind
from podlab.api.objects import metadata
from podlab.api.values import times
from podlab.apiextensions.v1.customresourcedefinition_pb2 import (
    CustomResourceDefinition,
    CustomResourceDefinitionNames,
)
from podlab.client.workqueue import WorkQueue, run_workers
from podlab.errors import ApiError, Conflict, NotFound
from podlab.kinds.custom.served import ServedDefinitions
from podlab.meta.v1 import meta_pb2

# As long as finalizers hold objects of a kind that is to go, so often it is looked whether they still do.
LEFT_EVERY_S = 1.0
_WRITING: Final = WriteContext(
    User("system:apiserver", frozenset({"system:masters"})), manager="apiextensions-apiserver"
)

log = logging.getLogger(__name__)


class CustomResourceDefinitions:
    """`start` once the cache is loaded, then `run` for ever. Lives in the event loop.

    One worker decides one definition after the other: two that want one name cannot both get it.
    """

    def __init__(
        self,
        cache: Cache,
        registry: Registry,
        collections: Collections,
        *,
        clock: Callable[[], meta_pb2.Time] = times.now,
    ) -> None:
        self._cache = cache
        self._registry = registry
        self._collections = collections
        self._clock = clock
        self._kind: Kind = kinds.of(CustomResourceDefinition)
        self._served = ServedDefinitions(cache.kinds)
        self._queue: WorkQueue[str] = WorkQueue()
        self._given: defaultdict[str, dict[str, CustomResourceDefinitionNames]] = defaultdict(dict)
        """The names that definitions have been given, by group and definition."""
        self._taken: defaultdict[str, TakenNames] = defaultdict(TakenNames)
        """The same names, by group."""

    def start(self) -> None:
        """Serve what is established, all at once; follow what changes from now on."""
        found = self._all()
        self._served.take((definition.metadata.name, definition) for definition in found)
        self._cache.window(self._kind).follow(self._changed)

    async def run(self) -> None:
        """Decide definitions as they change."""
        await run_workers(self._queue, self._reconcile, workers=1, name="customresourcedefinitions")

    def _all(self) -> list[CustomResourceDefinition]:
        entries = self._cache.window(self._kind).entries.values()
        return [entry.message_as(CustomResourceDefinition) for entry in entries]

    def _changed(self, event: CacheEvent) -> None:
        """Before anybody hears of the change, its kind is served as it says."""
        name = event.key.rpartition("/")[2]
        new = event.new.message_as(CustomResourceDefinition) if event.new is not None else None
        self._served.take([(name, new)])
        self._take_names(name, new)
        self._queue.add(name)

    def _take_names(self, name: str, new: CustomResourceDefinition | None) -> None:
        group = name.partition(".")[2]
        given, taken = self._given[group], self._taken[group]
        before = given.pop(name, None)
        if before is not None:
            taken.give_back(before)
        if new is not None:
            names = CustomResourceDefinitionNames.FromString(new.status.acceptedNames.SerializeToString())
            given[name] = names
            taken.add(names)
        if before is not None and before.kind and before != given.get(name):
            for other in given:  # what was given back may be wanted by others of the group
                self._queue.add(other)

    async def _reconcile(self, name: str) -> None:
        await self._cache.catch_up()
        entry = self._cache.get(self._kind, keys.object_key(self._kind, "", name))
        if entry is None:
            return
        definition = entry.message_as(CustomResourceDefinition)
        try:
            if definition.metadata.HasField("deletionTimestamp"):
                await self._end(definition)
            else:
                await self._decide(definition)
        except (Conflict, NotFound) as error:
            log.debug("%s has changed meanwhile and is looked at again: %s", name, error)
            self._queue.add(name)

    async def _decide(self, definition: CustomResourceDefinition) -> None:
        name = definition.metadata.name
        wanted = decide(definition, self._taken[definition.spec.group], self._clock())
        if wanted.status == definition.status:
            return
        await self._registry.write(Write.update(_WRITING, wanted, subresource="status"))
        log.info("%s: %s", name, "; ".join(f"{one.type} is {one.status}" for one in wanted.status.conditions))

    async def _end(self, definition: CustomResourceDefinition) -> None:
        name = definition.metadata.name
        if definitions.CLEANUP_FINALIZER not in definition.metadata.finalizers:
            return
        if definitions.is_true(definition, definitions.ESTABLISHED):
            told = ("InstanceDeletionInProgress", "CustomResource deletion is in progress")
            going = terminating(definition, *told, self._clock())
            if going.status != definition.status:
                await self._registry.write(Write.update(_WRITING, going, subresource="status"))
                return  # the change brings it back
            if await self._instances_left(definition):
                self._queue.add_after(name, LEFT_EVERY_S)
                return
        ended = finished(definition, self._clock())
        await self._registry.write(Write.update(_WRITING, ended, subresource="status"))
        log.info("%s: its objects are gone, and so may it be", name)

    async def _instances_left(self, definition: CustomResourceDefinition) -> bool:
        """Whether there are objects of the kind, after all of them were told to go."""
        catalog = self._cache.catalog
        kind = catalog.get(definition.spec.group, definition.status.acceptedNames.kind)
        if kind is None:
            return False
        window, resource = self._cache.window(kind), catalog.resource(kind)
        for namespace in sorted({metadata(entry.message()).namespace for entry in window.entries.values()}):
            wanted = CollectionDeletion(ListOptions(resource, namespace))
            try:
                async for _ in self._collections.delete(_WRITING, wanted):
                    pass
            except ApiError as error:
                log.warning("%s: not all objects could be deleted: %s", definition.metadata.name, error)
                return True
        await self._cache.catch_up()
        return bool(window.entries)
