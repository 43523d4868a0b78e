"""Records Events: what a component did or met, told for people.

Shape follows Kubernetes' core/v1 Event
(https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/). `correlator.py` counts.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable

from google.protobuf.message import Message

from podlab.api import kinds, times
from podlab.client.client import Client
from podlab.client.correlator import Correlator, Tally
from podlab.core.v1 import event_pb2, reference_pb2
from podlab.errors import (
    AlreadyExists,
    ApiError,
    Conflict,
    InternalError,
    NotFound,
    ServiceUnavailable,
    Timeout,
    TooManyRequests,
)
from podlab.meta.v1 import meta_pb2

log = logging.getLogger(__name__)

AT_ONCE = 8
WAITING_LIMIT = 10_000
ATTEMPTS = 12
BACKOFF_LIMIT_S = 10.0
# Whatever else the API server answers, it will answer again: that the namespace is missing, or going, for one.
_PASSING = (ServiceUnavailable, Timeout, TooManyRequests, InternalError, Conflict)


class Recorder:
    """`event` queues and never fails; `run` writes. When too many wait, the newest is dropped, and that is logged once.

    Events of one object are written in order, those of several objects at once.
    """

    def __init__(
        self, client: Client, component: str, host: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._source = event_pb2.EventSource(component=component, host=host)
        self._clock = clock
        self._correlator = Correlator()
        self._lanes: list[asyncio.Queue[Tally]] = [asyncio.Queue() for _ in range(AT_ONCE)]
        self._waiting: dict[int, Tally] = {}  # by id; one that waits is written with what was counted meanwhile
        self._dropped = 0

    def event(self, obj: Message, event_type: str, reason: str, message: str, *, field_path: str = "") -> None:
        """Tells something of `obj`. `event_type` is Normal or Warning."""
        sighting = self._sighting(obj, event_type, reason, message, times.now())
        sighting.involvedObject.fieldPath = field_path
        tally = self._correlator.count(sighting, self._clock())
        if tally is None or id(tally) in self._waiting:
            return
        if len(self._waiting) >= WAITING_LIMIT:
            if not self._dropped:
                log.warning("events are dropped, %d wait to be written: %s %s", WAITING_LIMIT, reason, message)
            self._dropped += 1
            return
        self._waiting[id(tally)] = tally
        about = tally.event.involvedObject
        self._lanes[hash((about.kind, about.namespace, about.name)) % AT_ONCE].put_nowait(tally)

    async def run(self) -> None:
        """Writes what was queued until cancelled."""
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(self._work(lane))

    async def _work(self, lane: asyncio.Queue[Tally]) -> None:
        while True:
            tally = await lane.get()
            await self._write(tally)
            if self._dropped and not self._waiting:
                log.warning("%d events were dropped while too many waited to be written", self._dropped)
                self._dropped = 0

    async def _write(self, tally: Tally) -> None:
        del self._waiting[id(tally)]  # what is counted from now on is written after this
        for attempt in range(ATTEMPTS):
            event = event_pb2.Event()
            event.CopyFrom(tally.event)
            try:
                await self._store(tally, event)
                return
            except ApiError as error:
                if attempt == ATTEMPTS - 1 or not isinstance(error, _PASSING):
                    log.info("event not written: %s %s: %s", event.reason, event.message, error)
                    return
                delay_s = min(BACKOFF_LIMIT_S, 0.25 * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311
                await asyncio.sleep(max(delay_s, error.retry_after_s))

    async def _store(self, tally: Tally, event: event_pb2.Event) -> None:
        if tally.stored:
            try:
                await self._client.update(event)
                return
            except NotFound:  # it expired, or its namespace is gone
                tally.stored = False
        try:
            await self._client.create(event)
        except AlreadyExists as error:  # our own create, whose answer was lost
            log.debug("event exists: %s", error)
        tally.stored = True

    def _sighting(
        self, obj: Message, event_type: str, reason: str, message: str, now: meta_pb2.Time
    ) -> event_pb2.Event:
        metadata: meta_pb2.ObjectMeta = obj.metadata  # type: ignore[attr-defined]
        kind = kinds.of(obj)
        about = reference_pb2.ObjectReference(
            kind=kind.name,
            apiVersion=kind.api_version,
            namespace=metadata.namespace,
            name=metadata.name,
            uid=metadata.uid,
            resourceVersion=metadata.resourceVersion,
        )
        return event_pb2.Event(
            metadata=meta_pb2.ObjectMeta(namespace=metadata.namespace or "default"),
            involvedObject=about,
            reason=reason,
            message=message,
            type=event_type,
            count=1,
            firstTimestamp=now,
            lastTimestamp=now,
            source=self._source,
            reportingComponent=self._source.component,
            reportingInstance=self._source.host,
        )
