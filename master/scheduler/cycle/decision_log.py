"""Remembers the last decision about each pod, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict

from master.scheduler.cycle.decision import Decision
from podlab.api.objects import Key

BYTES_REMEMBERED = 32 << 20
PODS_REMEMBERED = 5000


class DecisionLog:
    """The last decision about each pod. The oldest are forgotten over `limit_bytes` of arrays or `limit_pods`."""

    def __init__(self, limit_bytes: int = BYTES_REMEMBERED, limit_pods: int = PODS_REMEMBERED) -> None:
        self._limit_bytes = limit_bytes
        self._limit_pods = limit_pods
        self._decisions: OrderedDict[Key, Decision] = OrderedDict()
        self._bytes = 0

    def add(self, key: Key, decision: Decision) -> None:
        """Replaces the decision before about the pod."""
        self._bytes += decision.nbytes - self._forget(key)
        self._decisions[key] = decision
        while len(self._decisions) > 1 and self._is_over_limit():
            self._bytes -= self._forget(next(iter(self._decisions)))

    def get(self, key: Key) -> Decision | None:
        """The last decision about the pod; None when none is remembered."""
        return self._decisions.get(key)

    def _is_over_limit(self) -> bool:
        return len(self._decisions) > self._limit_pods or self._bytes > self._limit_bytes

    def _forget(self, key: Key) -> int:
        """The bytes that are free now."""
        before = self._decisions.pop(key, None)
        return before.nbytes if before is not None else 0
