"""The garbage collector: acts on objects whose owners went, and on owners that wait for what they own."""

from __future__ import annotations

import logging
from typing import Any, Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from master.controllers.garbagecollection.garbagecollector.decide import (
    FOREGROUND,
    ORPHAN,
    Delete,
    DropOwners,
    blocks,
    decide,
    is_waiting,
)
from master.controllers.garbagecollection.garbagecollector.graph import Graph
from master.controllers.garbagecollection.garbagecollector.owners import Owners
from master.controllers.objects.ownership import without_owner
from podlab.api.objects import ApiObject, Key
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change
from podlab.errors import NotFound

log = logging.getLogger(__name__)


class GarbageCollector:
    """Keys are those of any object."""

    name: Final = "garbagecollector"

    def __init__(self, client: Client, informers: Informers, recorder: EventRecorder) -> None:
        self._client = client
        self._graph = Graph(informers)
        self._owners = Owners(client, self._graph, recorder)
        self._loop: Loop[Key] = Loop(self.name, self.reconcile, workers=10)
        informers.on_any_change(self._changed)
        informers.catalog.follow(lambda _: self._look_again())

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        obj = self._graph.find(at)
        if obj is None:
            return
        if is_waiting(obj.metadata, ORPHAN):
            await self._orphan(at, obj)
        elif is_waiting(obj.metadata, FOREGROUND):
            await self._unblock(at, obj)
        else:
            await self._collect(at, obj)

    async def _collect(self, at: Key, obj: ApiObject) -> None:
        if obj.metadata.HasField("deletionTimestamp") or not obj.metadata.ownerReferences:
            return
        owners = await self._owners.of(obj)
        dependents = [dependent for _, dependent in self._graph.dependents(at, obj.metadata.uid)]
        action = decide(obj, owners, dependents)
        if isinstance(action, DropOwners):
            changed = _copy(obj)
            without_owner(changed.metadata, action.uids)
            await self._client.update(changed)
            log.info("%s: owners that are gone are no longer named", at)
        elif isinstance(action, Delete):
            await self._delete(at, await self._unbound(obj) if action.unbound else obj, action)

    async def _delete(self, at: Key, obj: ApiObject, action: Delete) -> None:
        await self._client.delete(
            self._graph.kind(at),
            at.name,
            at.namespace,
            uid=obj.metadata.uid,
            resource_version=obj.metadata.resourceVersion,
            propagation=action.policy,
        )
        log.info("%s deleted: its owners are gone", at)

    async def _unbound(self, obj: ApiObject) -> ApiObject:
        """The object, once none of its owners waits for it."""
        changed = _copy(obj)
        for reference in changed.metadata.ownerReferences:
            reference.blockOwnerDeletion = False
        updated: ApiObject = await self._client.update(changed)
        return updated

    async def _orphan(self, at: Key, obj: ApiObject) -> None:
        """Dependants first: were the owner to go before they forgot it, they would be deleted."""
        for _, dependent in self._graph.dependents(at, obj.metadata.uid):
            changed = _copy(dependent)
            without_owner(changed.metadata, frozenset({obj.metadata.uid}))
            try:
                await self._client.update(changed)
            except NotFound:
                continue
        await self._remove_finalizer(obj, ORPHAN)
        log.info("%s: what it owned stays", at)

    async def _unblock(self, at: Key, obj: ApiObject) -> None:
        """Sees to it that dependants go; when none is left that blocks, the owner may."""
        dependents = self._graph.dependents(at, obj.metadata.uid)
        for dependent_at, dependent in dependents:
            if not dependent.metadata.HasField("deletionTimestamp"):
                self._loop.queue.add(dependent_at)
        if not any(blocks(dependent, obj) for _, dependent in dependents):
            await self._remove_finalizer(obj, FOREGROUND)
            log.info("%s: what it waited for is gone", at)
            return
        if self._graph.waits_for_itself(at, obj):
            await self._unbound(obj)
            log.info("%s: what it waits for waits for it, and no longer", at)

    async def _remove_finalizer(self, obj: ApiObject, finalizer: str) -> None:
        changed = _copy(obj)
        changed.metadata.finalizers.remove(finalizer)
        await self._client.update(changed)

    def _look_again(self) -> None:
        """At what named owners of kinds that were not known."""
        for at in self._graph.look_again():
            self._loop.queue.add(at)

    def _changed(self, change: Change[Any]) -> None:
        old: ApiObject | None = change.old
        new: ApiObject | None = change.new
        if old is not None and (new is None or new.metadata.uid != old.metadata.uid):
            if dependents := self._graph.dependents(change.key, old.metadata.uid):
                self._owners.went(change.key, old.metadata.uid)
            for dependent_at, _ in dependents:
                self._loop.queue.add(dependent_at)
            self._enqueue_waiting_owners(change.key, old)
            old = None
        if new is None:
            return
        owners = list(new.metadata.ownerReferences)
        if old is not None and list(old.metadata.ownerReferences) != owners:
            self._enqueue_waiting_owners(change.key, old)
        began = new.metadata.HasField("deletionTimestamp") and list(new.metadata.finalizers)
        if began or (owners and (old is None or list(old.metadata.ownerReferences) != owners)):
            self._loop.queue.add(change.key)

    def _enqueue_waiting_owners(self, at: Key, obj: ApiObject) -> None:
        for reference in obj.metadata.ownerReferences:
            owner_at = self._graph.owner_key(at.namespace, reference)
            if owner_at is None or owner_at.group_kind not in self._graph.kinds:
                continue
            owner = self._graph.find(owner_at)
            if owner is not None and is_waiting(owner.metadata, FOREGROUND):
                self._loop.queue.add(owner_at)


def _copy(obj: ApiObject) -> Any:
    copy: Any = type(obj)()
    copy.CopyFrom(obj)
    return copy
