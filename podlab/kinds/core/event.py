"""The kind Event."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from podlab.api.cells import Cells, Table
from podlab.api.conversion import event_versions
from podlab.api.eventtimes import last_seen
from podlab.api.kinds import of
from podlab.api.values import times
from podlab.core.v1.event_pb2 import Event
from podlab.events.v1 import event_pb2
from podlab.kinds.resource import Resource, Version
from podlab.kinds.strategy import Strategy

if TYPE_CHECKING:
    from podlab.kinds.validation.rules import Rules

_EVENT_HEADERS = "LAST SEEN|TYPE|REASON|OBJECT|SUBOBJECT|SOURCE|MESSAGE|FIRST SEEN|COUNT|NAME"


def _cells(item: Event, now: datetime) -> Cells:
    target = item.involvedObject
    source = ", ".join(filter(None, (item.source.component or item.reportingComponent, item.source.host)))
    first = next((when for when in (item.firstTimestamp, item.eventTime) if not times.is_zero(when)), None)
    return [
        last_seen(item, now),
        item.type,
        item.reason,
        f"{target.kind.lower()}/{target.name}",
        target.fieldPath,
        source,
        item.message.strip(),
        times.age(first, now) if first else "<unknown>",
        str(item.series.count or item.count or 1),
        item.metadata.name,
    ]


def _strategy() -> Strategy:
    from podlab.kinds.validation.cluster import events
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        rules=Rules(events.check_event),
    )


def _rules_of_events_group() -> Rules:
    from podlab.kinds.validation.cluster import events
    from podlab.kinds.validation.rules import Rules

    return Rules(events.check_strictly, events.check_strict_update, create=events.check_new_strictly)


_ABOUT = ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath", "resourceVersion")


RESOURCE = Resource(
    of(Event),
    other_versions=(
        Version(
            of(event_pb2.Event),
            event_versions.to_stored,
            event_versions.from_stored,
            load_rules=_rules_of_events_group,
            selectable_fields={
                **{f"regarding.{name}": f"involvedObject.{name}" for name in _ABOUT},
                **{name: name for name in ("reason", "type")},
                "reportingController": "reportingComponent",
            },
        ),
    ),
    table=Table(
        _cells,
        tuple(_EVENT_HEADERS.split("|")),
        frozenset({"SUBOBJECT", "SOURCE", "FIRST SEEN", "COUNT", "NAME"}),
        types={"COUNT": "integer"},
    ),
    selectable_fields=(
        *(f"involvedObject.{name}" for name in _ABOUT),
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    load_strategy=_strategy,
)
