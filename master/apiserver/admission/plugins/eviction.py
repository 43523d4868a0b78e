"""An eviction is paid for by the pod's disruption budget. In Kubernetes the eviction itself sees to that."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from master.apiserver.admission.plugin import NOTHING, AdmissionRequest, Alongside, Plugin, Scope, writes_of
from master.apiserver.admission.rules import eviction
from master.apiserver.admission.write import Operation
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from master.store.contract import Put
from podlab.api import kinds
from podlab.api.values import times
from podlab.core.v1.pod_pb2 import Pod
from podlab.meta.v1 import meta_pb2
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget


class DisruptionBudgets(Plugin):
    """The budget's charge is committed with the deletion, and the pod that goes says why."""

    name: ClassVar[str] = "DisruptionBudgets"
    scopes: ClassVar[tuple[Scope, ...]] = writes_of(Pod, on=(Operation.DELETE,), below=("eviction",))

    def __init__(self, cache: Cache, clock: Callable[[], meta_pb2.Time] = times.now) -> None:
        self._cache = cache
        self._clock = clock
        self._budgets = kinds.of(PodDisruptionBudget)

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        eviction.mark(request.new_as(Pod), "EvictionByEvictionAPI", "Eviction API: evicting", self._clock())

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin. Raises TooManyRequests when the budget does not allow it now."""
        pod = request.old_as(Pod)
        prefix = keys.scope_prefix(self._budgets, pod.metadata.namespace)
        entries = {entry.key: entry for entry in self._cache.window(self._budgets).ordered(prefix)}
        budgets = [entry.message_as(PodDisruptionBudget) for entry in entries.values()]
        charged = eviction.spend(pod, budgets, self._clock())
        if charged is None:
            return NOTHING
        entry = entries[keys.object_key(self._budgets, charged.metadata.namespace, charged.metadata.name)]
        charged.metadata.resourceVersion = ""
        return (Put(entry.key, charged.SerializeToString(), entry.revision),)
