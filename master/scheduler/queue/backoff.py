"""How long a pod waits after a failed scheduling attempt."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """podInitialBackoffSeconds, doubled with each failure up to podMaxBackoffSeconds."""

    base_s: float = 1.0
    limit_s: float = 10.0

    def delay_s(self, failures: int) -> float:
        """The wait after a failure that came after so many others."""
        return min(self.limit_s, self.base_s * 2.0 ** min(failures, 16))


KUBERNETES_BACKOFF = Backoff()
