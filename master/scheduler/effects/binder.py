"""Binds pods to the nodes that were chosen for them, many in one call."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from master.scheduler.cycle.assumed_pod import AssumedPod
from podlab.client.client import Client
from podlab.errors import ApiError
from podlab.v1 import apiserver_pb2

log = logging.getLogger(__name__)

# The API server commits so many together.
BATCH = 256
AT_ONCE = 4
# With so many on their way no more are judged.
WAITING_LIMIT = 4 * BATCH


class Binder:
    """`put` what is assumed; `run` binds, and tells what came of each: None, or why it failed."""

    def __init__(self, client: Client, answered: Callable[[AssumedPod, ApiError | None], None]) -> None:
        self._client = client
        self._answered = answered
        self._waiting: deque[AssumedPod] = deque()
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    def put(self, assumed: Sequence[AssumedPod]) -> None:
        """Binds them soon, in order."""
        if not assumed:
            return
        self._waiting.extend(assumed)
        self._filled.set()
        if len(self._waiting) >= WAITING_LIMIT:
            self._drained.clear()

    async def drained(self) -> None:
        """Waits while too many are on their way."""
        await self._drained.wait()

    async def run(self) -> None:
        """Binds until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            await self._filled.wait()
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if not self._waiting:
                self._filled.clear()
            if len(self._waiting) < WAITING_LIMIT:
                self._drained.set()
            if batch:
                await self._bind(batch)

    async def _bind(self, batch: Sequence[AssumedPod]) -> None:
        outcomes: Sequence[ApiError | None]
        try:
            outcomes = await self._client.bind([_binding(each) for each in batch])
        except ApiError as error:
            outcomes = [error] * len(batch)
        bound = sum(failure is None for failure in outcomes)
        if bound:
            log.info("%d pods bound, the first of them %s", bound, _told(batch[outcomes.index(None)]))
        for each, failure in zip(batch, outcomes, strict=True):
            if failure is not None:
                log.warning("%s: not bound: %s", _told(each), failure)
            self._answered(each, failure)


def _binding(assumed: AssumedPod) -> apiserver_pb2.Binding:
    metadata = assumed.info.pod.metadata
    return apiserver_pb2.Binding(
        namespace=metadata.namespace, name=metadata.name, uid=metadata.uid, node_name=assumed.node_name
    )


def _told(assumed: AssumedPod) -> str:
    metadata = assumed.info.pod.metadata
    return f"{metadata.namespace}/{metadata.name} to {assumed.node_name}"
