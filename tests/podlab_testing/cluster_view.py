"""What the API shows, as informers have it, and waiting for it to become something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from master.controllers.framework.informers import Informers
from podlab.core.v1 import event_pb2, pod_pb2
from podlab_testing.seeing_client import SeeingClient

WAIT_S = 60.0


class ClusterView:
    """What the API shows, what `client` has written in any case, and waits for it to become something."""

    def __init__(self, client: SeeingClient) -> None:
        self.client = client
        self.informers = Informers(client)
        client.look_at(self.informers)
        self._changed = asyncio.Event()
        for informer in self.informers.by_kind.values():
            informer.on_change(lambda _: self._changed.set())

    async def until(self, holds: Callable[[], object], what: str) -> None:
        """Returns when it holds; fails naming `what` after a while."""
        try:
            async with asyncio.timeout(WAIT_S):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pytest.fail(f"not within {WAIT_S} s: {what}")

    async def until_told(self, wanted: set[tuple[str, str, str]]) -> None:
        """Returns when there are Events with these kinds, reasons and messages."""
        missing = set(wanted)
        try:
            async with asyncio.timeout(WAIT_S):
                async for batch in self.client.watch(event_pb2.Event):
                    for found in batch:
                        if found.object is not None:
                            event = found.object
                            missing.discard((event.involvedObject.kind, event.reason, event.message))
                    if not missing:
                        return
        except TimeoutError:
            pytest.fail(f"not within {WAIT_S} s: events {missing}")

    def pods(self, namespace: str = "default") -> list[pod_pb2.Pod]:
        """Those that are not going."""
        return [pod for pod in self.informers.pods.list(namespace) if not pod.metadata.HasField("deletionTimestamp")]
