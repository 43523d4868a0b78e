"""Figures of the server for Prometheus, under the names that kube-apiserver gives them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from master.apiserver.audit.auditor import Auditor
from master.apiserver.flowcontrol.seats import Seats
from master.apiserver.request.info import Exchange, RequestInfo
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.watching import Watcher
from podlab.api.kinds import GroupResource
from podlab.kinds.catalog import Catalog

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)
_PLACE = ("verb", "group", "version", "resource", "subresource", "scope", "component")
# Kubernetes' verbs as the figures name them: as the HTTP method, or what GET and DELETE mean.
_VERBS = {"create": "POST", "update": "PUT", "patch": "PATCH"}
_OTHERS = frozenset({"get", "list", "watch", "delete", "deletecollection", "post", "put", "options", "head"})
_KNOWN_VERBS = _OTHERS | _VERBS.keys()
_READING = frozenset({"GET", "LIST", "WATCH", "OPTIONS", "HEAD"})

Place = tuple[str, ...]


@dataclass(slots=True)
class _Durations:
    """How long answers of one place took: so many in each bucket, the last of which has no bound."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(_BUCKETS_S) + 1))
    sum_s: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count one more."""
        self.counts[bisect_left(_BUCKETS_S, seconds)] += 1
        self.sum_s += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """As Prometheus wants them: each bucket's bound, and how many took so long at most."""
        bounds = (*map(floatToGoString, _BUCKETS_S), "+Inf")
        return list(zip(bounds, accumulate(self.counts), strict=True))


@dataclass(slots=True)
class _Requests:
    """What is counted as requests pass: plain numbers, as each request pays for it."""

    answered: Counter[tuple[Place, int]] = field(default_factory=Counter)
    """By place and HTTP status."""
    durations: dict[Place, _Durations] = field(default_factory=dict)
    long_running: Counter[Place] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=lambda: Counter(readOnly=0, mutating=0))


class Metrics:
    """Counts requests as they pass; the rest is looked up when somebody asks. Lives in the event loop."""

    def __init__(
        self,
        cache: Cache,
        watches: Watcher,
        turns: Seats,
        trail: Auditor | None,
        *,
        collectors: Iterable[Collector] = (),
    ) -> None:
        """`collectors` are the figures that other rooms keep themselves."""
        self._catalog = cache.catalog
        self._subresources: Set[str] | None = None
        """What everybody may write into a URL would be labels without end. Looked up when a request first asks, for
        catalogs may follow each other by the hundred."""
        self._places: dict[tuple[object, ...], Place] = {}
        """Of requests about objects of the kinds that there are now."""
        cache.kinds.follow(self._become)
        self._requests = _Requests()
        registry = self._registry = CollectorRegistry()
        registry.register(_Counted(self._requests))
        registry.register(_KeptElsewhere(cache, watches, turns, trail, self._requests.in_flight))
        ProcessCollector(registry=registry)
        for collector in collectors:
            registry.register(collector)

    def _become(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._places.clear()
        self._subresources = None

    def begin(self, info: RequestInfo) -> Place:
        """Count a request that comes in; what it returns is what `end` wants."""
        place = self._place(info)
        self._count(place, info, 1)
        return place

    def end(self, place: Place, exchange: Exchange, seconds: float) -> None:
        """Count a request that has been answered."""
        info = exchange.info
        self._count(place, info, -1)
        self._requests.answered[place, exchange.code] += 1
        if info.long_running:
            return
        durations = self._requests.durations.get(place)
        if durations is None:
            durations = self._requests.durations[place] = _Durations()
        durations.observe(seconds)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)

    def _place(self, info: RequestInfo) -> Place:
        if not info.wanted:
            return self._found_place(info)
        wanted = info.wanted[0]
        at = info.verb, wanted.group, wanted.resource, wanted.subresource, bool(wanted.name), bool(wanted.namespace)
        place = self._places.get(at)
        if place is None:
            place = self._found_place(info)
            if place[3] and self._is_known_subresource(wanted.subresource) and info.verb in _KNOWN_VERBS:
                self._places[at] = place  # whose number is bounded: clients may ask for what there is not
        return place

    def _found_place(self, info: RequestInfo) -> Place:
        verb = _VERBS.get(info.verb) or (info.verb.upper() if info.verb in _OTHERS else "other")
        wanted = info.wanted[0] if info.about_objects else None
        about = GroupResource(wanted.group, wanted.resource) if wanted is not None else None
        kind = self._catalog.of_group_resource(about) if about is not None else None
        if wanted is None or kind is None:
            return verb, "", "", "", "", "", "apiserver"
        scope = "resource" if wanted.name or verb == "POST" else "namespace" if wanted.namespace else "cluster"
        subresource = wanted.subresource if self._is_known_subresource(wanted.subresource) else "other"
        return verb, wanted.group, kind.version, wanted.resource, subresource, scope, "apiserver"

    def _is_known_subresource(self, name: str) -> bool:
        if self._subresources is None:
            below = (one for kind in self._catalog.kinds for one in self._catalog.resource(kind).subresources)
            self._subresources = frozenset(one.name for one in below if one.verbs)
        return not name or name in self._subresources

    def _count(self, place: Place, info: RequestInfo, step: int) -> None:
        """What is under way."""
        if info.long_running:
            self._requests.long_running[place] += step
        else:
            self._requests.in_flight["readOnly" if place[0] in _READING else "mutating"] += step


@dataclass(frozen=True, eq=False)
class _Counted(Collector):
    """What was counted as requests passed."""

    requests: _Requests

    def collect(self) -> Iterator[Metric]:
        answered = CounterMetricFamily(
            "apiserver_request", "Requests that were answered, by their HTTP status.", labels=(*_PLACE, "code")
        )
        for (place, code), count in self.requests.answered.items():
            answered.add_metric((*place, str(code)), count)
        durations = HistogramMetricFamily(
            "apiserver_request_duration_seconds", "How long answers took, those of streams left out.", labels=_PLACE
        )
        for place, one in self.requests.durations.items():
            durations.add_metric(place, one.cumulative(), one.sum_s)
        long_running = GaugeMetricFamily(
            "apiserver_longrunning_requests", "Watches and other streams that are open.", labels=_PLACE
        )
        for place, count in self.requests.long_running.items():
            long_running.add_metric(place, count)
        yield from (answered, durations, long_running)


@dataclass(frozen=True, eq=False)
class _KeptElsewhere(Collector):
    """Figures that other parts of the server keep. They are read when somebody asks."""

    cache: Cache
    watches: Watcher
    turns: Seats
    trail: Auditor | None
    in_flight: Mapping[str, int]

    def collect(self) -> Iterator[Metric]:
        """Called by the registry each time that the figures are read."""
        yield from self._of_requests()
        yield from self._of_objects()
        yield from self._of_flow_control()
        if self.trail is not None:
            yield from _of_audit(self.trail)

    def _of_requests(self) -> Iterator[Metric]:
        flights = GaugeMetricFamily(
            "apiserver_current_inflight_requests",
            "Requests that are being answered or wait for their turn.",
            labels=["request_kind"],
        )
        for kind_of_request, count in self.in_flight.items():
            flights.add_metric([kind_of_request], count)
        yield flights

    def _of_objects(self) -> Iterator[Metric]:
        objects = GaugeMetricFamily("apiserver_storage_objects", "Objects that are stored.", labels=["resource"])
        for kind in self.cache.catalog.stored:
            objects.add_metric([kind.resource], len(self.cache.window(kind).entries))
        yield objects
        labels = ["group", "version", "kind"]
        events = CounterMetricFamily("apiserver_watch_events", "Events that were sent to watchers.", labels=labels)
        for kind, count in sorted(self.watches.sent.items(), key=lambda sent: (sent[0].name, sent[0].group)):
            events.add_metric([kind.group, kind.version, kind.name], count)
        yield events

    def _of_flow_control(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily(
            "apiserver_flowcontrol_current_inqueue_requests", "Requests that wait.", labels=["priority_level"]
        )
        seats = GaugeMetricFamily(
            "apiserver_flowcontrol_current_executing_requests", "Requests whose turn it is.", labels=["priority_level"]
        )
        own = GaugeMetricFamily(
            "apiserver_flowcontrol_nominal_limit_seats",
            "Seats of a level, those left out that it borrows.",
            labels=["priority_level"],
        )
        for name, queues in self.turns.queues.items():
            waiting.add_metric([name], queues.waiting)
            seats.add_metric([name], queues.taken)
            own.add_metric([name], queues.seats)
        dispatched = CounterMetricFamily(
            "apiserver_flowcontrol_dispatched_requests",
            "Requests whose turn came.",
            labels=["priority_level", "flow_schema"],
        )
        for (level, schema), count in sorted(self.turns.dispatched.items()):
            dispatched.add_metric([level, schema], count)
        refused = CounterMetricFamily(
            "apiserver_flowcontrol_rejected_requests",
            "Requests that were refused with 429.",
            labels=["priority_level", "flow_schema", "reason"],
        )
        for (level, schema, reason), count in sorted(self.turns.refused.items()):
            refused.add_metric([level, schema, reason], count)
        yield from (waiting, seats, own, dispatched, refused)


def _of_audit(trail: Auditor) -> Iterator[Metric]:
    written = CounterMetricFamily("apiserver_audit_event", "Lines of the audit log.")
    written.add_metric([], sum(trail.written.values()))
    dropped = CounterMetricFamily("apiserver_audit_error", "Lines of the audit log that were lost.")
    dropped.add_metric([], trail.writer.dropped)
    levels = CounterMetricFamily("apiserver_audit_level", "Lines of the audit log, by level.", labels=["level"])
    for level, count in sorted(trail.written.items()):
        levels.add_metric([level.kubernetes_name], count)
    yield from (written, dropped, levels)
