"""Quotas: what a write uses more or less is written to the quotas that count it, in the same commit.

So two creates that race cannot both have the last place: the quota is at another revision for the second. Writes that
change a namespace's usage wait for each other here, rather than to find that out in the store again and again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary

from google.protobuf.message import Message

from master.apiserver.admission import quota_usage
from master.apiserver.admission.lister import Followed
from master.apiserver.admission.refusal import forbidden
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from master.store.contract import Put
from podlab.api import kinds, usage
from podlab.api.podresources import Amounts
from podlab.core.v1 import quota_pb2
from podlab.meta.v1 import meta_pb2

Quota = quota_pb2.ResourceQuota


class Quotas:
    """Lives in the event loop."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._kind = kinds.of(Quota)
        self._quotas: Followed[Quota] = Followed(cache.window(self._kind))
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def concern(self, new: Message | None, old: Message | None) -> bool:
        """Whether some quota counts what is written, or what becomes of it."""
        return next(self._asked(new, old), None) is not None

    @asynccontextmanager
    async def turn(self, namespace: str) -> AsyncIterator[None]:
        """Alone with the namespace's quotas, as they are now."""
        lock = self._turns.setdefault(namespace, asyncio.Lock())
        async with lock:
            await self._cache.catch_up()
            yield

    def charge(self, new: Message | None, old: Message | None) -> list[Put]:
        """What has to be committed with the write. Raises Forbidden when a quota does not allow it."""
        puts: list[Put] = []
        for quota, more in self._asked(new, old):
            if new is not None and (why := quota_usage.refusal(quota, new, old, more)):
                raise forbidden(new, why)
            if more:
                puts.append(self._put(quota, quota_usage.charged(quota, more)))
        return puts

    def begin(self, quota: Quota) -> None:
        """A new quota knows what is used already, so that it is enforced at once."""
        usage.recount(quota, [*self._counted(quota), quota])

    def _asked(self, new: Message | None, old: Message | None) -> Iterator[tuple[Quota, Amounts]]:
        """Quotas whose usage changes, and by how much; all that count a new object, though it uses nothing of them."""
        about: Any = new if new is not None else old
        at: meta_pb2.ObjectMeta = about.metadata
        held = self._quotas.within(at.namespace) if at.namespace else {}
        for name in sorted(held):
            quota = held[name]
            if isinstance(about, Quota) and name == at.name:
                continue  # it is what the write is about: its controller counts it itself
            more = quota_usage.difference(quota, new, old)
            if more or (new is not None and old is None and quota_usage.restricted(quota, new)):
                yield quota, more

    def _put(self, before: Quota, after: Quota) -> Put:
        after.metadata.resourceVersion = ""
        key = keys.object_key(self._kind, before.metadata.namespace, before.metadata.name)
        return Put(key, after.SerializeToString(), int(before.metadata.resourceVersion))

    def _counted(self, quota: Quota) -> Iterator[Message]:
        """The objects of its namespace that it may count."""
        for kind in kinds.KINDS:
            if kind.namespaced and usage.limits(quota.spec.hard, kind):
                prefix = keys.scope_prefix(kind, quota.metadata.namespace)
                yield from (entry.message() for entry in self._cache.window(kind).ordered(prefix))
