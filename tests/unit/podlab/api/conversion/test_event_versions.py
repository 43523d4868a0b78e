"""One stored kind, two faces."""

from __future__ import annotations

from podlab_testing.sample_objects import sample

from podlab.api import kinds
from podlab.api.conversion import event_versions
from podlab.api.serializer import codec
from podlab.core.v1 import event_pb2 as core
from podlab.events.v1 import event_pb2 as events


def test_an_event_is_the_same_under_other_names() -> None:
    event = sample(kinds.of(events.Event), {"series": {"count": 2, "lastObservedTime": "2030-01-01T00:00:01.000000Z"}})
    stored = event_versions.to_stored(event)
    assert (stored.involvedObject.name, stored.message, stored.reportingComponent) == (
        "web-1",
        "it has started",
        "example.com/teller",
    )
    assert stored.series.count == 2
    assert event_versions.from_stored(stored) == event


def test_what_the_core_group_alone_says_is_shown_as_deprecated() -> None:
    shown = codec.to_dict(event_versions.from_stored(core.Event(count=3, source=core.EventSource(component="kubelet"))))
    assert (shown["deprecatedCount"], shown["deprecatedSource"]) == (3, {"component": "kubelet"})


def test_what_says_something_in_one_group_says_it_in_the_other() -> None:
    event = events.Event(deprecatedCount=1, note="n", reportingInstance="i", related={"name": "r"}, action="a")
    assert event_versions.from_stored(event_versions.to_stored(event)) == event
