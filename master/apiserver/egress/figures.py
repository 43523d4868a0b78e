"""Figures of connections that were made, under the names that Kubernetes has for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

# How a connection is made: through a kubelet's gRPC stream, or by TCP.
TUNNEL, DIRECT = "grpc", "tcp"
_LABELS = ("protocol",)
_BUCKETS_S = (0.005, 0.025, 0.1, 0.5, 2.5, 12.5)


class Figures(Collector):
    """Counts, and is read by the registry. `open_tunnels` tells how many there are now."""

    def __init__(self, open_tunnels: Callable[[], int]) -> None:
        self._open_tunnels = open_tunnels
        prefix = "apiserver_egress_dialer_dial"
        self._started = Counter(f"{prefix}_start", "Connections that were begun.", _LABELS, registry=None)
        self._failed = Counter(f"{prefix}_failure", "Connections that were not made.", _LABELS, registry=None)
        self._durations = Histogram(
            f"{prefix}_duration_seconds",
            "How long it took to connect.",
            _LABELS,
            buckets=_BUCKETS_S,
            registry=None,
        )

    @contextmanager
    def dialing(self, protocol: str) -> Iterator[None]:
        """Count a connection that is made within the block; it has failed when the block raises."""
        self._started.labels(protocol).inc()
        began = time.perf_counter()
        try:
            yield
        except BaseException:
            self._failed.labels(protocol).inc()
            raise
        self._durations.labels(protocol).observe(time.perf_counter() - began)

    def collect(self) -> Iterator[Metric]:
        """Called by the registry each time that the figures are read."""
        for counted in (self._started, self._failed, self._durations):
            yield from counted.collect()
        tunnels = GaugeMetricFamily("apiserver_egress_tunnels", "Connections to pods that are open.")
        tunnels.add_metric([], self._open_tunnels())
        yield tunnels
