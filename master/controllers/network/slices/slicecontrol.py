"""The slices of one manager: made once each, written and deleted as planned."""

from __future__ import annotations

import logging
from typing import Generic, TypeVar

from google.protobuf.message import Message

from master.controllers.framework import remembered
from master.controllers.framework.expectations import Expectations
from master.controllers.framework.informers import Informers
from master.controllers.network.slices.decide import SliceChanges, is_managed_by
from podlab.api import kinds
from podlab.api.objects import Key, key, owner_kind
from podlab.client.client import Client
from podlab.client.informer import Change, Informer
from podlab.client.workqueue import WorkQueue
from podlab.discovery.v1 import endpointslice_pb2
from podlab.errors import ApiError, NotFound
from podlab.meta.v1 import meta_pb2

M = TypeVar("M", bound=Message)
log = logging.getLogger(__name__)

# How long a slice that was made may take to show before the API server itself is asked about it.
CONFIRM_AFTER_S = 5.0


class SliceControl(Generic[M]):
    """The slices of all owners of one kind. Adds an owner's key to `queue` when it or one of its slices changes.

    Make it before the informers run: it subscribes to the kind's and to the slices'.
    """

    def __init__(
        self, kind: type[M], manager: str, client: Client, informers: Informers, queue: WorkQueue[Key]
    ) -> None:
        self._kind = kinds.of(kind).group_kind
        self._manager = manager
        self._client = client
        self._queue = queue
        self._expectations = Expectations()
        self._spans = informers.spans
        owners: Informer[M] = informers.of(kind)
        owners.on_change(self._owner_changed)
        informers.slices.on_change(self._slice_changed)

    async def settled(self, owner: M) -> bool:
        """True when the informer shows every slice that we made; else the owner comes back to the queue."""
        uid, namespace = _metadata(owner).uid, _metadata(owner).namespace
        if self._expectations.overdue(uid, CONFIRM_AFTER_S):
            for name in self._expectations.outstanding(uid).created:
                try:
                    await self._client.get(endpointslice_pb2.EndpointSlice, name, namespace)
                except NotFound:
                    self._expectations.seen_created(uid, name)
        if not self._expectations.outstanding(uid):
            return True
        self._queue.add_after(key(owner), CONFIRM_AFTER_S)
        return False

    async def carry_out(self, owner: M, plan: SliceChanges) -> None:
        """Writes what is planned. Raises Conflict when a slice changed meanwhile."""
        for changed in plan.update:
            began_s = self._spans.now()
            await self._client.update(changed)
            remembered.endpoints_written(self._spans, changed, _metadata(owner).name, began_s)
            log.info("%s: %s has %d endpoints", key(owner), key(changed), len(changed.endpoints))
        for fresh in plan.create:
            await self._create(owner, fresh)
        for spare in plan.delete:
            metadata = spare.metadata
            try:
                await self._client.delete(type(spare), metadata.name, metadata.namespace, uid=metadata.uid)
            except NotFound:
                continue
            log.info("%s: %s is no longer needed", key(owner), key(spare))

    async def _create(self, owner: M, fresh: endpointslice_pb2.EndpointSlice) -> None:
        uid = _metadata(owner).uid
        self._expectations.expect_created(uid, (fresh.metadata.name,))
        began_s = self._spans.now()
        try:
            await self._client.create(fresh)
        except ApiError:
            self._expectations.doubt(uid)
            raise
        remembered.endpoints_written(self._spans, fresh, _metadata(owner).name, began_s)
        log.info("%s: %s made with %d endpoints", key(owner), key(fresh), len(fresh.endpoints))

    def _owner_changed(self, change: Change[M]) -> None:
        old, new = change.old, change.new
        if old is not None and (new is None or _metadata(new).uid != _metadata(old).uid):
            self._expectations.forget(_metadata(old).uid)
        self._queue.add(change.key)

    def _slice_changed(self, change: Change[endpointslice_pb2.EndpointSlice]) -> None:
        for endpoints in (change.old, change.new):
            if endpoints is None or not is_managed_by(endpoints, self._manager):
                continue
            for owner in endpoints.metadata.ownerReferences:
                self._expectations.seen_created(owner.uid, endpoints.metadata.name)
                if owner_kind(owner) == self._kind:
                    self._queue.add(Key(self._kind, change.key.namespace, owner.name))


def _metadata(owner: Message) -> meta_pb2.ObjectMeta:
    return owner.metadata  # type: ignore[attr-defined, no-any-return]
