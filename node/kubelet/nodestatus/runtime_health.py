"""Whether the runtime works: what it answered last, for as long as its silence may be a restart."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from node.kubelet.cri.runtime import Image, RuntimeInfo, RuntimeReadiness, RuntimeUnavailable

log = logging.getLogger(__name__)

# Kubernetes' kubelet waits as long before the runtime is down and the node not ready.
MAX_SILENCE_S = 30.0


@dataclass(frozen=True)
class RuntimeSnapshot:
    """What the runtime answered: its readiness, images and version."""

    readiness: RuntimeReadiness
    images: tuple[Image, ...]
    version: str


class RuntimeHealth:
    """A silent runtime counts as it was for MAX_SILENCE_S: it may be restarting."""

    def __init__(self, runtime: RuntimeInfo) -> None:
        self._runtime = runtime
        self._last: RuntimeSnapshot | None = None
        self._answered_at = 0.0

    async def check(self, now: float) -> RuntimeSnapshot:
        """`now` is in seconds of a monotonic clock. Raises RuntimeFailure when the runtime answers with an error."""
        try:
            self._last = await self._ask()
        except RuntimeUnavailable as error:
            return self._last_or_down(now, error)
        self._answered_at = now
        return self._last

    async def _ask(self) -> RuntimeSnapshot:
        before = self._last
        readiness = await self._runtime.readiness()
        if not readiness.runtime:
            return RuntimeSnapshot(readiness, before.images if before else (), before.version if before else "")
        images = tuple(await self._runtime.images())
        return RuntimeSnapshot(
            readiness, images, before.version if before and before.version else await self._runtime.version()
        )

    def _last_or_down(self, now: float, error: RuntimeUnavailable) -> RuntimeSnapshot:
        if self._last is not None and now - self._answered_at < MAX_SILENCE_S:
            log.debug("the container runtime is silent: %s", error)  # PodWorkers logs it once
            return self._last
        down = RuntimeReadiness(False, False, f"container runtime is down: {error}")
        return RuntimeSnapshot(down, self._last.images if self._last else (), self._last.version if self._last else "")
