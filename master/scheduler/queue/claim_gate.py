"""Pods whose ResourceClaims do not exist yet: no attempt is made to schedule them before. Kubernetes' PreEnqueue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container

from master.scheduler.cache.device_claims import PodDeviceClaims
from master.scheduler.cache.storage import ClaimName
from podlab.api.objects import Key
from podlab.core.v1.pod_pb2 import Pod


class ClaimGate:
    """Asks `claims_of` about pods whose scheduler name is in `names`; all others pass."""

    def __init__(self, names: Container[str], claims_of: Callable[[Pod], PodDeviceClaims]) -> None:
        self._names = names
        self._claims_of = claims_of
        self._waiting: dict[Key, ClaimName | None] = {}
        self._by_claim: defaultdict[ClaimName, set[Key]] = defaultdict(set)

    def holds(self, at: Key, pod: Pod) -> bool:
        """Whether the pod has to wait; then it is known here until it passes or is forgotten."""
        self.forget(at)
        if not pod.spec.resourceClaims or pod.spec.schedulerName not in self._names:
            return False
        found = self._claims_of(pod)
        if not found.refusal:
            return False
        self._waiting[at] = found.missing
        if found.missing is not None:
            self._by_claim[found.missing].add(at)
        return True

    def forget(self, at: Key) -> None:
        """The pod is gone, or tried."""
        missing = self._waiting.pop(at, None)
        if missing is not None:
            self._by_claim[missing].discard(at)
            if not self._by_claim[missing]:
                del self._by_claim[missing]

    def waiting_for(self, claim: ClaimName) -> list[Key]:
        """The pods that may pass since the claim has changed. One whose claim has no name yet has to change itself."""
        return list(self._by_claim.get(claim, ()))
