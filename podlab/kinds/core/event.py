"""The kind Event."""

from datetime import datetime

from podlab.api.cells import Cells, Table
from podlab.api.eventtimes import last_seen
from podlab.api.kinds import of
from podlab.api.values import times
from podlab.core.v1.event_pb2 import Event
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy

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
    from podlab.kinds.validation.network import endpoints
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        rules=Rules(endpoints.check_event),
    )


RESOURCE = Resource(
    of(Event),
    table=Table(
        _cells,
        tuple(_EVENT_HEADERS.split("|")),
        frozenset({"SUBOBJECT", "SOURCE", "FIRST SEEN", "COUNT", "NAME"}),
        types={"COUNT": "integer"},
    ),
    selectable_fields=(
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.fieldPath",
        "involvedObject.resourceVersion",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    load_strategy=_strategy,
)
