"""What the node knows of its runtime: what it answered last, for as long as its silence may be a restart."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from node.kubelet.cri.runtime import Image, Readiness, Runtime, RuntimeUnavailable

log = logging.getLogger(__name__)

# As long as Kubernetes' kubelet waits before it calls the runtime down, and the node not ready.
SILENCE_S = 30.0


@dataclass(frozen=True)
class RuntimeState:
    """How the runtime was, and what images it had."""

    readiness: Readiness
    images: tuple[Image, ...]
    version: str


class RuntimeSight:
    """`look` asks it. Its silence changes nothing at first: who does not answer may be restarting."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._last: RuntimeState | None = None
        self._answered_at = 0.0

    async def look(self, now: float) -> RuntimeState:
        """`now` in seconds of any one clock. Raises RuntimeFailure for what is no silence."""
        try:
            self._last = await self._ask()
        except RuntimeUnavailable as error:
            return self._silent(now, error)
        self._answered_at = now
        return self._last

    async def _ask(self) -> RuntimeState:
        before = self._last
        readiness = await self._runtime.readiness()
        if not readiness.runtime:
            return RuntimeState(readiness, before.images if before else (), before.version if before else "")
        images = tuple(await self._runtime.images())
        return RuntimeState(
            readiness, images, before.version if before and before.version else await self._runtime.version()
        )

    def _silent(self, now: float, error: RuntimeUnavailable) -> RuntimeState:
        if self._last is not None and now - self._answered_at < SILENCE_S:
            log.debug("the container runtime is silent: %s", error)  # told once, where all pods are looked at
            return self._last
        down = Readiness(False, False, f"container runtime is down: {error}")
        return RuntimeState(down, self._last.images if self._last else (), self._last.version if self._last else "")
