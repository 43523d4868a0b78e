"""Deletes a pod on the terms of its disruption budget, both in one commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from google.protobuf.message import Message

from master.apiserver.admission.admit import Admit, admit_all
from master.apiserver.registry import eviction
from master.apiserver.registry.registry import Deleted, Registry
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from master.store.contract import Delete, Put
from podlab.api import kinds, times
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget
from podlab.v1 import apiserver_pb2


class Evictor:
    """Answers evictions."""

    def __init__(self, cache: Cache, registry: Registry, clock: Callable[[], meta_pb2.Time] = times.now) -> None:
        self._cache = cache
        self._registry = registry
        self._clock = clock
        self._budgets = kinds.by_name("PodDisruptionBudget")

    async def evict(self, request: apiserver_pb2.DeleteRequest, *, admit: Admit = admit_all) -> Deleted:
        """As a deletion of the pod. Raises what that raises, and TooManyRequests when its budget does not allow it."""
        return await self._registry.delete(request, admit=admit, alongside=self._charged)

    def _charged(self, pod: Message, going: Message) -> list[Put | Delete]:
        """The budget's charge; and the pod that goes says why."""
        assert isinstance(pod, pod_pb2.Pod)
        assert isinstance(going, pod_pb2.Pod)
        now = self._clock()
        entries = {
            entry.key: entry
            for entry in self._cache.window(self._budgets).ordered(
                keys.scope_prefix(self._budgets, pod.metadata.namespace)
            )
        }
        charged = eviction.spend(pod, [cast(PodDisruptionBudget, one.message()) for one in entries.values()], now)
        eviction.mark(going, "EvictionByEvictionAPI", "Eviction API: evicting", now)
        if charged is None:
            return []
        entry = entries[keys.object_key(self._budgets, charged.metadata.namespace, charged.metadata.name)]
        charged.metadata.resourceVersion = ""
        return [Put(entry.key, charged.SerializeToString(), entry.revision)]
