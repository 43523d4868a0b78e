"""Figures of APIServices, under the names that kube-aggregator gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from master.apiserver.aggregation.registration import is_available
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CacheEvent
from podlab.api import kinds
from podlab.api.objects import condition
from podlab.apiregistration.v1.apiservice_pb2 import APIService
from podlab.kinds.apiregistration.apiservice import AVAILABLE


class AvailabilityFigures(Collector):
    """Follows the watch cache. Lives in the event loop."""

    def __init__(self, cache: Cache) -> None:
        self._available: dict[str, bool] = {}
        self._became_unavailable: Counter[tuple[str, str]] = Counter()
        cache.window(kinds.of(APIService)).follow(self._changed)

    def _changed(self, event: CacheEvent) -> None:
        name = event.key.rpartition("/")[2]
        if event.new is None:
            self._available.pop(name, None)
            return
        service = event.new.message_as(APIService)
        was, self._available[name] = self._available.get(name, False), is_available(service)
        if was and not self._available[name]:
            said = condition(service.status.conditions, AVAILABLE)
            self._became_unavailable[name, said.reason if said is not None else "UnknownReason"] += 1

    def collect(self) -> Iterator[Metric]:
        """Called by the registry each time that the figures are read."""
        unavailable = GaugeMetricFamily(
            "aggregator_unavailable_apiservice",
            "Whether an APIService is marked as unavailable, by its name.",
            labels=("name",),
        )
        for name, available in self._available.items():
            unavailable.add_metric((name,), 0.0 if available else 1.0)
        became = CounterMetricFamily(
            "aggregator_unavailable_apiservice",
            "How often APIServices were marked as unavailable, by their name and the reason.",
            labels=("name", "reason"),
        )
        for labels, count in self._became_unavailable.items():
            became.add_metric(labels, count)
        yield unavailable
        yield became
