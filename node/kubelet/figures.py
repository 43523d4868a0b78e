"""What the kubelet counts of its own work, and Prometheus' text format.

Names and labels are those of Kubernetes' kubelet, which dashboards ask for:
https://kubernetes.io/docs/reference/instrumentation/metrics/
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Counts
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_STARTS_S = (
    0.1,
    0.25,
    0.5,
    1.0,
    2.0,
    3.0,
    4.0,
    5.0,
    6.0,
    8.0,
    10.0,
    20.0,
    30.0,
    45.0,
    60.0,
    120.0,
    180.0,
    240.0,
    300.0,
)


@dataclass(frozen=True)
class Sample:
    """`suffix` is what follows the family's name, as of a histogram's buckets."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""


@dataclass(frozen=True)
class Family:
    """`kind` is counter, gauge or histogram."""

    name: str
    kind: str
    help: str
    samples: Iterable[Sample]


def render(families: Iterable[Family]) -> bytes:
    """In Prometheus' text format; a family without samples is left out."""
    return "".join(_lines(families)).encode()


def _lines(families: Iterable[Family]) -> Iterator[str]:
    for family in families:
        told = False
        for sample in family.samples:
            if not told:
                yield f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.kind}\n"
                told = True
            labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels.items())
            at = f"{{{labels}}}" if labels else ""
            yield f"{family.name}{sample.suffix}{at} {sample.value:.17g}\n"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


class Counter:
    """Of each combination of the labels' values."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...] = ()) -> None:
        self.name, self._text, self._labels = name, text, labels
        self._counts: Counts[tuple[str, ...]] = Counts()

    def add(self, *values: str, by: int = 1) -> None:
        self._counts[values] += by

    def forget(self, label: str, value: str) -> None:
        """Drops what was counted of something that is gone."""
        at = self._labels.index(label)
        for values in [values for values in self._counts if values[at] == value]:
            del self._counts[values]

    def family(self) -> Family:
        samples = [
            Sample(count, dict(zip(self._labels, values, strict=True))) for values, count in self._counts.items()
        ]
        return Family(self.name, "counter", self._text, samples or ([] if self._labels else [Sample(0)]))


class Histogram:
    """Durations in seconds."""

    def __init__(
        self, name: str, text: str, labels: tuple[str, ...] = (), buckets: tuple[float, ...] = _BUCKETS_S
    ) -> None:
        self._name, self._text, self._labels, self._buckets = name, text, labels, buckets
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: Counts[tuple[str, ...]] = Counts()

    def observe(self, seconds: float, *values: str) -> None:
        counts = self._counts.setdefault(values, [0] * (len(self._buckets) + 1))
        counts[bisect_left(self._buckets, seconds)] += 1
        self._sums[values] += seconds  # type: ignore[assignment]

    def family(self) -> Family:
        return Family(self._name, "histogram", self._text, list(self._samples()))

    def _samples(self) -> Iterator[Sample]:
        for values, counts in self._counts.items():
            labels = dict(zip(self._labels, values, strict=True))
            total = 0
            for bound, count in zip((*map(_bound, self._buckets), "+Inf"), counts, strict=True):
                total += count
                yield Sample(total, {**labels, "le": bound}, "_bucket")
            yield Sample(self._sums[values], labels, "_sum")
            yield Sample(total, labels, "_count")


def _bound(seconds: float) -> str:
    return f"{seconds:g}"


@dataclass
class KubeletFigures:
    """All that is counted, each where it happens."""

    operations: Histogram = field(
        default_factory=lambda: Histogram(
            "kubelet_runtime_operations_duration_seconds",
            "Duration in seconds of runtime operations.",
            ("operation_type",),
        )
    )
    operations_total: Counter = field(
        default_factory=lambda: Counter(
            "kubelet_runtime_operations_total", "Runtime operations by their type.", ("operation_type",)
        )
    )
    operation_errors: Counter = field(
        default_factory=lambda: Counter(
            "kubelet_runtime_operations_errors_total", "Runtime operations that failed.", ("operation_type",)
        )
    )
    relists: Histogram = field(
        default_factory=lambda: Histogram(
            "kubelet_pleg_relist_duration_seconds", "Duration in seconds of listing all pods of the runtime."
        )
    )
    steps: Histogram = field(
        default_factory=lambda: Histogram(
            "kubelet_pod_worker_duration_seconds",
            "Duration in seconds of one look at a pod and what was done then.",
            ("operation_type",),
        )
    )
    starts: Histogram = field(
        default_factory=lambda: Histogram(
            "kubelet_pod_start_duration_seconds",
            "Duration in seconds from when the kubelet saw a pod first to when it runs.",
            buckets=_STARTS_S,
        )
    )
    evictions: Counter = field(
        default_factory=lambda: Counter(
            "kubelet_evictions", "Pods that were evicted, by the signal.", ("eviction_signal",)
        )
    )
    removed_images: Counter = field(
        default_factory=lambda: Counter(
            "kubelet_image_garbage_collected_total", "Images that were removed because no pod used them.", ("reason",)
        )
    )
    probes: Counter = field(
        default_factory=lambda: Counter(
            "prober_probe_total",
            "Results of probes.",
            ("probe_type", "result", "container", "pod", "namespace", "pod_uid"),
        )
    )

    def families(self) -> list[Family]:
        """All but those of probes, which have a page of their own."""
        histograms = (self.operations, self.relists, self.steps, self.starts)
        counters = (self.operations_total, self.operation_errors, self.evictions, self.removed_images)
        return [each.family() for each in (*histograms, *counters)]
