"""How long a pod waits that could not be placed. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Kubernetes' podInitialBackoffSeconds, doubled with each failure up to its podMaxBackoffSeconds."""

    base_s: float = 1.0
    limit_s: float = 10.0

    def delay_s(self, failures: int) -> float:
        """After so many failures before this one."""
        return min(self.limit_s, self.base_s * 2.0 ** min(failures, 16))


KUBERNETES_BACKOFF = Backoff()
