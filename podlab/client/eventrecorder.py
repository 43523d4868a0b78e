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
from itertools import islice

from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.values import times
from podlab.client.client import Client
from podlab.client.eventcorrelator import EventCorrelator
from podlab.core.v1 import event_pb2, reference_pb2
from podlab.errors import ApiError, Conflict, InternalError, ServiceUnavailable, Timeout, TooManyRequests
from podlab.meta.v1 import meta_pb2

log = logging.getLogger(__name__)

# So many, of a few hundred bytes each, go out in one call.
AT_ONCE = 256
WAITING_LIMIT = 10_000
ATTEMPTS = 12
BACKOFF_LIMIT_S = 10.0
# Whatever else the API server answers, it will answer again: that the namespace is missing, or going, for one.
_PASSING = (ServiceUnavailable, Timeout, TooManyRequests, InternalError, Conflict)


class EventRecorder:
    """`event` queues and never fails; `run` writes, in order, all that has come together while it wrote.

    When too many wait, the newest is dropped, and that is logged once.
    """

    def __init__(
        self,
        client: Client,
        component: str,
        host: str = "",
        clock: Callable[[], float] = time.monotonic,
        *,
        waiting_limit: int = WAITING_LIMIT,
        backoff_limit_s: float = BACKOFF_LIMIT_S,
    ) -> None:
        self._client = client
        self._source = event_pb2.EventSource(component=component, host=host)
        self._clock = clock
        self._correlator = EventCorrelator()
        self._waiting: dict[str, event_pb2.Event] = {}
        """By name, oldest first; one that waits is written with what was counted meanwhile."""
        self._news = asyncio.Event()
        self._dropped = 0
        self._waiting_limit = waiting_limit
        self._backoff_limit_s = backoff_limit_s

    def event(self, obj: Message, event_type: str, reason: str, message: str, *, field_path: str = "") -> None:
        """Tells something of `obj`. `event_type` is Normal or Warning."""
        occurrence = self._occurrence(obj, event_type, reason, message, times.now())
        occurrence.involvedObject.fieldPath = field_path
        counted = self._correlator.count(occurrence, self._clock())
        if counted is None or counted.metadata.name in self._waiting:
            return
        if len(self._waiting) >= self._waiting_limit:
            if not self._dropped:
                log.warning("events are dropped, %d wait to be written: %s %s", self._waiting_limit, reason, message)
            self._dropped += 1
            return
        self._waiting[counted.metadata.name] = counted
        self._news.set()

    async def run(self) -> None:
        """Writes what was queued until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                taken = list(islice(self._waiting.values(), AT_ONCE))
                for event in taken:
                    del self._waiting[event.metadata.name]  # what is counted from now on is written after this
                await self._write(taken)
            if self._dropped:
                log.warning("%d events were dropped while too many waited to be written", self._dropped)
                self._dropped = 0

    async def flush(self) -> None:
        """Writes what still waits when `run` has ended."""
        events = list(self._waiting.values())
        self._waiting.clear()
        if events:
            await self._write(events)

    async def _write(self, events: list[event_pb2.Event]) -> None:
        for attempt in range(ATTEMPTS):
            failed = await self._record(events)
            passing = [(event, error) for event, error in failed if isinstance(error, _PASSING)]
            last = attempt == ATTEMPTS - 1
            for event, error in failed:
                if last or not isinstance(error, _PASSING):
                    log.info("event not written: %s %s: %s", event.reason, event.message, error)
            if last or not passing:
                return
            delay_s = min(self._backoff_limit_s, 0.25 * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311
            await asyncio.sleep(max(delay_s, *(error.retry_after_s for _, error in passing)))
            events = [event for event, _ in passing]

    async def _record(self, events: list[event_pb2.Event]) -> list[tuple[event_pb2.Event, ApiError]]:
        """Those that failed, and why."""
        try:
            errors = await self._client.record_events(events)
        except ApiError as error:
            return [(event, error) for event in events]
        return [(event, error) for event, error in zip(events, errors, strict=True) if error is not None]

    def _occurrence(
        self, obj: Message, event_type: str, reason: str, message: str, now: meta_pb2.Time
    ) -> event_pb2.Event:
        metadata: meta_pb2.ObjectMeta = obj.metadata  # type: ignore[attr-defined]
        api_version, kind = kinds.type_meta(obj)
        about = reference_pb2.ObjectReference(
            kind=kind,
            apiVersion=api_version,
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
