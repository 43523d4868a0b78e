"""Figures of webhooks, under the names that Kubernetes has for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal

from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

ADMIT: Final = "admit"
VALIDATING: Final = "validating"
"""The types of webhooks, as figures name them."""
ErrorType = Literal["calling_webhook_error", "apiserver_internal_error", "no_error"]
_BUCKETS_S = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10, 25)
_PREFIX = "apiserver_admission_webhook"


class WebhookFigures(Collector):
    """Counts, and is read by the registry."""

    def __init__(self) -> None:
        self._durations = Histogram(
            f"{_PREFIX}_admission_duration_seconds",
            "How long webhooks took.",
            ("name", "type", "operation", "rejected"),
            buckets=_BUCKETS_S,
            registry=None,
        )
        self._asked: Counter[tuple[str, ...]] = Counter()
        self._rejected: Counter[tuple[str, ...]] = Counter()
        self._failed_open: Counter[tuple[str, ...]] = Counter()
        self._excluded: Counter[tuple[str, ...]] = Counter()

    def asked(self, name: str, kind: str, operation: str, *, rejected: bool, code: int, seconds: float) -> None:
        """Count an answer, or the lack of one; `kind` is the webhook's type."""
        told = str(rejected).lower()
        self._durations.labels(name, kind, operation, told).observe(seconds)
        self._asked[name, kind, operation, str(code), told] += 1

    def rejected(self, name: str, kind: str, operation: str, error: ErrorType, code: int) -> None:
        """Count a write that is refused because of a webhook."""
        self._rejected[name, kind, operation, error, str(code)] += 1

    def failed_open(self, name: str, kind: str) -> None:
        """Count a write that passed because its webhook could not be asked."""
        self._failed_open[name, kind] += 1

    def excluded(self, name: str, kind: str, operation: str) -> None:
        """Count a write that did not meet the conditions of a webhook."""
        self._excluded[name, "webhook", kind, operation] += 1

    def collect(self) -> Iterator[Metric]:
        """Called by the registry each time that the figures are read."""
        yield from self._durations.collect()
        requests = CounterMetricFamily(
            f"{_PREFIX}_request_total",
            "Requests to webhooks.",
            labels=("name", "type", "operation", "code", "rejected"),
        )
        excluded = CounterMetricFamily(
            "apiserver_admission_match_condition_exclusions_total",
            "Writes that did not meet a webhook's conditions.",
            labels=("name", "kind", "type", "operation"),
        )
        for family, counted in ((requests, self._asked), (excluded, self._excluded)):
            for labels, count in counted.items():
                family.add_metric(labels, count)
            yield family
        yield _plain(
            f"{_PREFIX}_rejection_count",
            "Writes that were refused because of a webhook.",
            ("name", "type", "operation", "error_type", "rejection_code"),
            self._rejected,
        )
        yield _plain(
            f"{_PREFIX}_fail_open_count",
            "Writes that passed because their webhook could not be asked.",
            ("name", "type"),
            self._failed_open,
        )


def _plain(name: str, about: str, labels: tuple[str, ...], counted: Counter[tuple[str, ...]]) -> Metric:
    """A counter whose name does not end as Prometheus would have it."""
    family = Metric(name, about, "unknown")
    for values, count in counted.items():
        family.add_sample(name, dict(zip(labels, values, strict=True)), count)
    return family
