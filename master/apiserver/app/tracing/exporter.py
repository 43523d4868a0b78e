"""Exports the way of each pod that this server has stored, some seconds after the pod is ready or has ended.

What is exported is what `podlab timeline` shows then. Only this server asks and sends, so that components on nodes need
neither a way to the collector nor memory for it; of several servers each exports the pods that it has stored.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Iterator

from master.apiserver.app.tracing.collector import Collector, CollectorError
from master.apiserver.rpc.timeline import Timelines
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CacheEvent
from podlab.api import kinds
from podlab.api.objects import condition
from podlab.api.pods.podphase import is_terminal
from podlab.core.v1.pod_pb2 import Pod
from podlab.spans import otlp, traceparent
from podlab.spans.way import way

log = logging.getLogger(__name__)

LOOKS_EVERY_S = 1.0
SETTLED_AFTER_S = 5.0
"""From when a pod is ready until every node has its rules and names, and these can be asked for."""
GIVEN_UP_AFTER_S = 3600.0
AWAITED_MOST = 1024
"""As many as components remember."""
AT_ONCE = 32
"""Components are asked once for so many pods."""
RETRY_S = 10.0
_POD = kinds.of(Pod)


class TimelineExporter:
    """`run` for ever."""

    def __init__(
        self,
        cache: Cache,
        timelines: Timelines,
        collector: Collector,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cache = cache
        self._timelines = timelines
        self._collector = collector
        self._clock = clock
        self._made_s: dict[str, float] = {}
        self._done_s: dict[str, float] = {}
        self._is_out = False
        cache.window(_POD).follow(self._take)

    async def run(self) -> None:
        try:
            while True:
                rest_s = await self._tried()
                await asyncio.sleep(rest_s)
        finally:
            await self._collector.close()

    async def _tried(self) -> float:
        """How long to rest. Nobody's API server ends because a timeline cannot be told."""
        try:
            return await self._look()
        except Exception:
            log.exception("timelines of pods cannot be exported; tried again in %.0f s", RETRY_S)
            return RETRY_S

    def _take(self, event: CacheEvent) -> None:
        """A new pod is awaited. Its changes are not decoded: it is looked at when its turn comes."""
        if event.old is None and event.new is not None:
            if len(self._made_s) >= AWAITED_MOST:
                self._forget(next(iter(self._made_s)))
            self._made_s[event.key] = self._clock()

    def _forget(self, key: str) -> None:
        self._made_s.pop(key, None)
        self._done_s.pop(key, None)

    async def _look(self) -> float:
        """Exports what is settled; how long to rest then."""
        settled = dict(itertools.islice(self._settled(), AT_ONCE))
        answers = await self._timelines.pods([*settled.values()]) if settled else []
        for (key, pod), answer in zip(settled.items(), answers, strict=True):
            found = way(answer)
            callers = filter(None, map(traceparent.parse, found.callers))
            try:
                await self._collector.send(otlp.request(pod.metadata.namespace, pod.metadata.name, found, callers))
            except CollectorError as error:
                self._told(error)
                return RETRY_S
            self._told(None)
            self._forget(key)
        return LOOKS_EVERY_S

    def _settled(self) -> Iterator[tuple[str, Pod]]:
        """Pods whose turn has come, by their keys. Those that are gone, or another server's, are forgotten."""
        for key, made_s in [*self._made_s.items()]:
            entry, now_s = self._cache.get(_POD, key), self._clock()
            if entry is None or now_s - made_s > GIVEN_UP_AFTER_S:
                self._forget(key)
                continue
            pod = entry.message_as(Pod)
            if not self._timelines.spans.of([pod.metadata.uid]):
                if now_s - made_s > SETTLED_AFTER_S:  # the store tells of a pod before its write is noted
                    self._forget(key)
            elif _is_done(pod) and now_s - self._done_s.setdefault(key, now_s) >= SETTLED_AFTER_S:
                yield key, pod

    def _told(self, error: CollectorError | None) -> None:
        """Logs that it is away, and that it is back, once each."""
        if error is not None and not self._is_out:
            log.warning("timelines of pods cannot be exported: %s; tried again each %.0f s", error, RETRY_S)
        elif error is None and self._is_out:
            log.info("timelines of pods are exported again")
        self._is_out = error is not None


def _is_done(pod: Pod) -> bool:
    """Nothing more of its way is to come."""
    ready = condition(pod.status.conditions, "Ready")
    return is_terminal(pod) or (ready is not None and ready.status == "True")
