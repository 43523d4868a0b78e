"""What an autoscaler aims at and what it found, in a word for each metric."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from podlab.autoscaling.v2.metrics_pb2 import (
    ContainerResourceMetricSource,
    MetricSpec,
    MetricStatus,
    MetricTarget,
    MetricValueStatus,
    ResourceMetricSource,
)

_SHOWN = 2
_UNKNOWN = "<unknown>"
SOURCES = {
    "External": "external",
    "Pods": "pods",
    "Object": "object",
    "Resource": "resource",
    "ContainerResource": "containerResource",
}
"""The field that belongs to each type of metric."""


class Found(Protocol):
    """What the status of a metric of each type has."""

    @property
    def current(self) -> MetricValueStatus: ...


def targets(metrics: Sequence[MetricSpec], found: Sequence[MetricStatus]) -> str:
    """As a table's cell has them: cpu: 10%/80%; of many the first few."""
    shown = [target(metric, _status(metric, found, index)) for index, metric in enumerate(metrics)]
    more = f" + {len(shown) - _SHOWN} more..." if len(shown) > _SHOWN else ""
    return (", ".join(shown[:_SHOWN]) + more) or "<none>"


def target(metric: MetricSpec, found: Found | None) -> str:
    """What was found, and what is aimed at. `found` is the status' field of the same type, or None."""
    name = SOURCES.get(metric.type)
    if name is None:
        return "<unknown type>"
    source = getattr(metric, name)
    return f"{_prefix(metric.type, source)}{_pair(source.target, found)}{_suffix(metric.type, source.target)}"


def statuses(metrics: Sequence[MetricSpec], found: Sequence[MetricStatus]) -> Iterable[Found | None]:
    """For each metric what was found, or None."""
    return (_status(metric, found, index) for index, metric in enumerate(metrics))


def _status(metric: MetricSpec, found: Sequence[MetricStatus], index: int) -> Found | None:
    name = SOURCES.get(metric.type)
    if name is None or index >= len(found) or not found[index].HasField(name):  # type: ignore[arg-type]
        return None
    of_type: Found = getattr(found[index], name)
    return of_type


def _prefix(kind: str, source: ResourceMetricSource | ContainerResourceMetricSource) -> str:
    return f"{source.name}: " if kind in ("Resource", "ContainerResource") else ""


def _suffix(kind: str, wanted: MetricTarget) -> str:
    return " (avg)" if kind in ("External", "Object") and wanted.HasField("averageValue") else ""


def _pair(wanted: MetricTarget, found: Found | None) -> str:
    current = found.current if found is not None else None
    if wanted.HasField("averageValue"):
        seen = current.averageValue.string if current is not None else ""
        return f"{seen or _UNKNOWN}/{wanted.averageValue.string}"
    if wanted.HasField("value"):
        seen = current.value.string if current is not None else ""
        return f"{seen or _UNKNOWN}/{wanted.value.string}"
    known = current is not None and current.HasField("averageUtilization")
    seen = f"{current.averageUtilization}%" if current is not None and known else _UNKNOWN
    return f"{seen}/{f'{wanted.averageUtilization}%' if wanted.HasField('averageUtilization') else '<auto>'}"
