"""Counts what a namespace uses of its quotas, again and from the start, when a quota appears or changes.

The API server keeps the count right with every write; this makes it right where it starts, or has gone wrong.
"""

from __future__ import annotations

import logging
from typing import Final

from google.protobuf.message import Message

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from podlab.api import usage
from podlab.api.kinds import Kind
from podlab.api.objects import Key, key
from podlab.client.client import Client, Listed
from podlab.client.informer import Change
from podlab.core.v1 import quota_pb2
from podlab.errors import NotFound

# What was under way when a quota appeared was not charged to it: it is counted once more when that is long over.
SETTLED_AFTER_S = 5.0

log = logging.getLogger(__name__)


class ResourceQuotaController:
    """Keys are quotas'."""

    name: Final = "resourcequota"

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._loop: Loop[Key] = Loop(self.name, self.reconcile, workers=1)
        self._catalog = informers.catalog
        self._quotas = informers.of(quota_pb2.ResourceQuota)
        self._elsewhere = informers.elsewhere
        self._quotas.on_change(self._quota_changed)
        informers.on_any_change(self._object_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        """The quota is read before the objects: if one is created meanwhile, the quota has changed and refuses."""
        try:
            found = await self._client.get(quota_pb2.ResourceQuota, at.name, at.namespace)
        except NotFound:
            return
        counted = quota_pb2.ResourceQuota()
        counted.CopyFrom(found)
        usage.recount(counted, await self._objects(found))
        if counted.status != found.status:
            await self._client.update_status(counted)
            log.info("%s: counted anew", at)

    async def _objects(self, quota: quota_pb2.ResourceQuota) -> list[tuple[Message, Kind]]:
        found: list[tuple[Message, Kind]] = []
        for kind in self._catalog.catalog.stored:
            if kind.namespaced and usage.limits(quota.spec.hard, kind):
                listed: Listed[Message] = await self._client.list(kind, quota.metadata.namespace)
                found += ((one, kind) for one in listed.items)
        return found

    def _object_changed(self, change: Change[Message]) -> None:
        """What other API servers hold is charged to nobody as it comes and goes: it is counted afterwards."""
        if change.key.group_kind not in self._elsewhere.kinds or (change.old is not None and change.new is not None):
            return
        for at in self._quotas.store:
            if at.namespace == change.key.namespace:
                self._loop.queue.add(at)

    def _quota_changed(self, change: Change[quota_pb2.ResourceQuota]) -> None:
        old, new = change.old, change.new
        if new is None or (old is not None and old.spec == new.spec):
            return
        self._loop.queue.add(key(new))
        self._loop.queue.add_after(key(new), SETTLED_AFTER_S)
