"""Events of the core group, as they are stored, and of events.k8s.io: the same under other names."""

from __future__ import annotations

from google.protobuf.message import Message

from podlab.core.v1 import event_pb2 as core
from podlab.events.v1 import event_pb2 as events

# By the name in events.k8s.io.
_NAMES = {
    "metadata": "metadata",
    "eventTime": "eventTime",
    "series": "series",
    "reportingController": "reportingComponent",
    "reportingInstance": "reportingInstance",
    "action": "action",
    "reason": "reason",
    "regarding": "involvedObject",
    "related": "related",
    "note": "message",
    "type": "type",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}


def to_stored(event: events.Event) -> core.Event:
    """That of the core group."""
    made = core.Event()
    _copy(event, made, _NAMES)
    return made


def from_stored(event: core.Event) -> events.Event:
    """That of events.k8s.io."""
    made = events.Event()
    _copy(event, made, {stored: name for name, stored in _NAMES.items()})
    return made


def _copy(given: Message, to: Message, names: dict[str, str]) -> None:
    for field, value in given.ListFields():
        if not isinstance(value, Message):
            setattr(to, names[field.name], value)
        else:
            # A series is another message in each group, of the same fields.
            getattr(to, names[field.name]).MergeFromString(value.SerializeToString())
            getattr(to, names[field.name]).SetInParent()
