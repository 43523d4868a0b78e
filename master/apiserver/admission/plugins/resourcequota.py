"""Quotas: what a write uses more or less is written to the quotas that count it, in the same commit.

So two creates that race cannot both have the last place: the quota is at another revision for the second. Writes that
change a namespace's usage wait for each other here, rather than to find that out in the store again and again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import ClassVar
from weakref import WeakValueDictionary

from google.protobuf.message import Message

from master.apiserver.admission.lister import Lister, listed
from master.apiserver.admission.plugin import AdmissionRequest, ChargingPlugin
from master.apiserver.admission.rules import quota_usage
from master.apiserver.admission.rules.refusal import refused
from master.apiserver.admission.write import Operation
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from master.store.contract import Put
from podlab.api import kinds, usage
from podlab.api.kinds import Kind
from podlab.api.pods.podresources import Amounts
from podlab.core.v1 import quota_pb2

Quota = quota_pb2.ResourceQuota


class ResourceQuota(ChargingPlugin):
    """The last of all plugins. Lives in the event loop."""

    name: ClassVar[str] = "ResourceQuota"

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._kind = kinds.of(Quota)
        self._quotas: Lister[Quota] = listed(cache, Quota)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin. A pod uses the same whether it is bound or not."""
        return kind.namespaced and usage.is_counted(kind) and subresource != "binding"

    def completes(self, kind: Kind) -> bool:
        """See Plugin."""
        return kind is self._kind

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin. A new quota knows what is used already, so that it is enforced at once."""
        if request.old is None:
            quota = request.new_as(Quota)
            usage.recount(quota, [*self._counted(quota), (quota, self._kind)])

    def concerns(self, request: AdmissionRequest) -> bool:
        """See ChargingPlugin."""
        if not self._quotas.within(request.write.namespace):
            return False
        return next(self._asked(request), None) is not None

    @asynccontextmanager
    async def turn(self, request: AdmissionRequest) -> AsyncIterator[None]:
        """See ChargingPlugin."""
        lock = self._turns.setdefault(request.write.namespace, asyncio.Lock())
        async with lock:
            await self._cache.catch_up()
            yield

    def charge(self, request: AdmissionRequest) -> list[Put]:
        """See ChargingPlugin."""
        puts: list[Put] = []
        new, old, kind = _after(request), request.old, request.write.kind
        for quota, more in self._asked(request):
            if new is not None and (why := quota_usage.refusal(quota, kind, new=new, old=old, more=more)):
                raise refused(kind, request.write.name, why)
            if more:
                puts.append(self._put(quota, quota_usage.charged(quota, more)))
        return puts

    def _asked(self, request: AdmissionRequest) -> Iterator[tuple[Quota, Amounts]]:
        """Quotas whose usage changes, and by how much; all that count a new object, though it uses nothing of them."""
        new, old, write = _after(request), request.old, request.write
        of_namespace = self._quotas.within(write.namespace)
        for name in sorted(of_namespace):
            quota = of_namespace[name]
            if write.kind is self._kind and name == write.name:
                continue  # it is what the write is about: its controller counts it itself
            more = quota_usage.difference(quota, write.kind, new, old)
            if more or (new is not None and old is None and quota_usage.restricted(quota, write.kind, new)):
                yield quota, more

    def _put(self, before: Quota, after: Quota) -> Put:
        after.metadata.resourceVersion = ""
        key = keys.object_key(self._kind, before.metadata.namespace, before.metadata.name)
        return Put(key, after.SerializeToString(), int(before.metadata.resourceVersion))

    def _counted(self, quota: Quota) -> Iterator[tuple[Message, Kind]]:
        """The objects of its namespace that it may count, each with its kind."""
        for kind in self._cache.catalog.stored:
            if kind.namespaced and usage.limits(quota.spec.hard, kind):
                prefix = keys.scope_prefix(kind, quota.metadata.namespace)
                yield from ((entry.message(), kind) for entry in self._cache.window(kind).ordered(prefix))


def _after(request: AdmissionRequest) -> Message | None:
    """What is there after the write."""
    return None if request.removed else request.new
