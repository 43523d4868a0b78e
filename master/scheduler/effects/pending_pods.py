"""What binders of claims do while a pod's claims are made ready by others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from podlab.api.objects import Key, key
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import NotFound

# How late it is noticed that a waiting pod was deleted.
DELETION_CHECK_S = 5.0


class PendingPods:
    """Waits for changes on behalf of pods. `pending` gives a pod that is not bound yet."""

    def __init__(self, pending: Callable[[Key], Pod | None]) -> None:
        self._pending = pending
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """To be called when something has changed that pods wait for."""
        before, self._changed = self._changed, asyncio.Event()
        before.set()

    async def wait(self, pod: Pod) -> None:
        """Returns when something may have changed, or it is time to look. Raises NotFound when the pod is gone."""
        known = self._pending(key(pod))
        if known is None or known.metadata.uid != pod.metadata.uid:
            raise NotFound(f"{key(pod)} waits no more")
        try:
            async with asyncio.timeout(DELETION_CHECK_S):
                await self._changed.wait()
        except TimeoutError:
            return
