"""The garbage collector: acts on objects whose owners went, and on owners that wait for what they own."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Any, Final

from master.controllers.garbagecollector.decide import (
    FOREGROUND,
    ORPHAN,
    Delete,
    DropOwners,
    Owner,
    blocks,
    decide,
    is_waiting,
)
from master.controllers.garbagecollector.graph import Graph
from master.controllers.informers import Informers
from master.controllers.loop import Loop
from master.controllers.ownership import without_owner
from podlab.api import kinds
from podlab.api.objects import ApiObject, Key
from podlab.client.client import Client
from podlab.client.informer import Change
from podlab.errors import NotFound
from podlab.meta.v1 import meta_pb2

log = logging.getLogger(__name__)

REMEMBERED = 1000


class GarbageCollector:
    """Keys are those of any object."""

    name: Final = "garbagecollector"

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._graph = Graph(informers.by_kind)
        # Uids never come back, so what is known to be gone is gone: one question for all that it owned.
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._loop: Loop[Key] = Loop(self.name, self.reconcile, workers=10)
        for informer in informers.by_kind.values():
            informer.on_change(self._changed)

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
        owners = {owner.uid: await self._state(at, owner) for owner in obj.metadata.ownerReferences}
        dependents = [dependent for _, dependent in self._graph.dependents(obj.metadata.uid)]
        action = decide(obj, owners, dependents)
        if isinstance(action, DropOwners):
            changed = _copy(obj)
            without_owner(changed.metadata, action.uids)
            await self._client.update(changed)
            log.info("%s: owners that are gone are no longer named", at)
        elif isinstance(action, Delete):
            await self._client.delete(
                kinds.by_name(at.kind).message,
                at.name,
                at.namespace,
                uid=obj.metadata.uid,
                resource_version=obj.metadata.resourceVersion,
                propagation=action.policy,
            )
            log.info("%s deleted: its owners are gone", at)

    async def _state(self, at: Key, reference: meta_pb2.OwnerReference) -> Owner:
        """Absence in the informer is only a hint: the API server is asked before anything is deleted."""
        if reference.uid in self._gone:
            return Owner.GONE
        owner_at = _owner_key(at, reference)
        if owner_at is None:
            return Owner.THERE
        owner = self._graph.find(owner_at) if owner_at.kind in self._graph.kinds else None
        if owner is None or owner.metadata.uid != reference.uid:
            owner = await self._ask(owner_at)
        if owner is None or owner.metadata.uid != reference.uid:
            self._remember_gone(reference.uid)
            return Owner.GONE
        waiting = is_waiting(owner.metadata, FOREGROUND) and reference.blockOwnerDeletion
        return Owner.WAITING if waiting else Owner.THERE

    async def _ask(self, at: Key) -> ApiObject | None:
        try:
            found: Any = await self._client.get(kinds.by_name(at.kind).message, at.name, at.namespace)
        except NotFound:
            return None
        owner: ApiObject = found
        return owner

    async def _orphan(self, at: Key, obj: ApiObject) -> None:
        """Dependants first: were the owner to go before they forgot it, they would be deleted."""
        for _, dependent in self._graph.dependents(obj.metadata.uid):
            changed = _copy(dependent)
            without_owner(changed.metadata, frozenset({obj.metadata.uid}))
            try:
                await self._client.update(changed)
            except NotFound:
                continue
        await self._remove_finalizer(obj, ORPHAN)
        log.info("%s: what it owned stays", at)

    async def _unblock(self, at: Key, obj: ApiObject) -> None:
        """Sees to it that dependants go; when none is left that counts, the owner may."""
        dependents = self._graph.dependents(obj.metadata.uid)
        if not any(blocks(dependent, obj) for _, dependent in dependents):
            await self._remove_finalizer(obj, FOREGROUND)
            log.info("%s: what it waited for is gone", at)
            return
        for dependent_at, _ in dependents:
            self._loop.queue.add(dependent_at)

    async def _remove_finalizer(self, obj: ApiObject, finalizer: str) -> None:
        changed = _copy(obj)
        changed.metadata.finalizers.remove(finalizer)
        await self._client.update(changed)

    def _remember_gone(self, uid: str) -> None:
        self._gone[uid] = None
        while len(self._gone) > REMEMBERED:
            self._gone.popitem(last=False)

    def _changed(self, change: Change[Any]) -> None:
        old: ApiObject | None = change.old
        new: ApiObject | None = change.new
        if old is not None and (new is None or new.metadata.uid != old.metadata.uid):
            for dependent_at, _ in self._graph.dependents(old.metadata.uid):
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
            owner_at = _owner_key(at, reference)
            if owner_at is None or owner_at.kind not in self._graph.kinds:
                continue
            owner = self._graph.find(owner_at)
            if owner is not None and is_waiting(owner.metadata, FOREGROUND):
                self._loop.queue.add(owner_at)


def _owner_key(at: Key, reference: meta_pb2.OwnerReference) -> Key | None:
    """None for an owner of which nothing can be known: a kind that is not served, or out of the object's reach."""
    try:
        kind = kinds.by_name(reference.kind)
    except NotFound:
        return None
    if kind.api_version != reference.apiVersion or (kind.namespaced and not at.namespace):
        return None
    return Key(kind.name, at.namespace if kind.namespaced else "", reference.name)


def _copy(obj: ApiObject) -> Any:
    copy: Any = type(obj)()
    copy.CopyFrom(obj)
    return copy
