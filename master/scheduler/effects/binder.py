"""Binds pods to the nodes that were chosen for them, many in one call."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from master.scheduler.cycle.assumed_pod import AssumedPod
from podlab.client.client import Client
from podlab.errors import ApiError
from podlab.spans.spans import Spans
from podlab.v1 import apiserver_pb2

log = logging.getLogger(__name__)

# The API server commits so many together.
BATCH = 256
AT_ONCE = 4
# With so many on their way no more pods are scheduled.
WAITING_LIMIT = 4 * BATCH


class Binder:
    """`run` binds what `enqueue` was given, and calls `answered` with each pod and the error, None if it is bound."""

    def __init__(self, client: Client, answered: Callable[[AssumedPod, ApiError | None], None], spans: Spans) -> None:
        self._client = client
        self._answered = answered
        self._spans = spans
        self._queue: deque[AssumedPod] = deque()
        self._not_empty = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    def enqueue(self, assumed: Sequence[AssumedPod]) -> None:
        """Binds the pods soon, in order."""
        if not assumed:
            return
        self._queue.extend(assumed)
        self._not_empty.set()
        if len(self._queue) >= WAITING_LIMIT:
            self._drained.clear()

    async def drained(self) -> None:
        """Waits while too many pods are in the queue."""
        await self._drained.wait()

    async def run(self) -> None:
        """Binds until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            await self._not_empty.wait()
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            if not self._queue:
                self._not_empty.clear()
            if len(self._queue) < WAITING_LIMIT:
                self._drained.set()
            if batch:
                await self._bind(batch)

    async def _bind(self, batch: Sequence[AssumedPod]) -> None:
        outcomes: Sequence[ApiError | None]
        began_s = self._spans.now()
        try:
            outcomes = await self._client.bind([_binding(each) for each in batch])
        except ApiError as error:
            outcomes = [error] * len(batch)
        bound, ended_s = sum(failure is None for failure in outcomes), self._spans.now()
        if bound:
            log.info("%d pods bound, the first of them %s", bound, _description(batch[outcomes.index(None)]))
        for each, failure in zip(batch, outcomes, strict=True):
            if failure is not None:
                log.warning("%s: not bound: %s", _description(each), failure)
            else:
                self._spans.note(each.info.uid, "bound", began_s, ended_s, each.node_name)
            self._answered(each, failure)


def _binding(assumed: AssumedPod) -> apiserver_pb2.Binding:
    metadata = assumed.info.pod.metadata
    return apiserver_pb2.Binding(
        namespace=metadata.namespace, name=metadata.name, uid=metadata.uid, node_name=assumed.node_name
    )


def _description(assumed: AssumedPod) -> str:
    metadata = assumed.info.pod.metadata
    return f"{metadata.namespace}/{metadata.name} to {assumed.node_name}"
