"""When an Event last happened."""

from datetime import datetime
from typing import Any

from podlab.api.values import times
from podlab.core.v1.event_pb2 import Event


def last_seen(item: Event, now: datetime) -> str:
    """How long ago the event last happened."""
    seen = (item.series.lastObservedTime, item.lastTimestamp, item.eventTime, item.metadata.creationTimestamp)
    return next((times.age(when, now) for when in seen if not times.is_zero(when)), "<unknown>")


def happened(item: Any) -> tuple[int, int]:
    """Orders events: by the second in which they last happened, and within it as they were stored."""
    seen = item.series.lastObservedTime.seconds or item.lastTimestamp.seconds or item.eventTime.seconds
    return seen, int(item.metadata.resourceVersion or 0)
