from __future__ import annotations

import pytest

from podlab.api.values import names
from podlab.client.eventcorrelator import BURST, COMBINED, REFILL_S, SIMILAR, SIMILAR_WITHIN_S, EventCorrelator
from podlab.core.v1 import event_pb2


def sighting(message: str, name: str = "web", reason: str = "Failed") -> event_pb2.Event:
    made = event_pb2.Event(reason=reason, message=message, type="Warning", count=1)
    made.involvedObject.kind, made.involvedObject.name, made.involvedObject.uid = "Pod", name, f"uid-of-{name}"
    return made


def told(event: event_pb2.Event | None) -> tuple[str, int]:
    assert event is not None
    return event.message, event.count


def test_repeats_are_counted_on_one_event() -> None:
    correlator = EventCorrelator()
    tallies = [correlator.count(sighting("no room"), 0.0) for _ in range(3)]
    assert tallies[0] is tallies[1] is tallies[2]
    assert told(tallies[0]) == ("no room", 3)


def test_another_object_or_reason_is_another_event() -> None:
    correlator = EventCorrelator()
    tallies = [
        correlator.count(one, 0.0) for one in (sighting("m"), sighting("m", name="db"), sighting("m", reason="BackOff"))
    ]
    assert len({tally.metadata.name for tally in tallies if tally is not None}) == 3


def test_many_that_differ_in_their_message_are_put_together() -> None:
    correlator = EventCorrelator()
    tallies = [correlator.count(sighting(f"m{number}"), 0.0) for number in range(SIMILAR + 3)]
    assert [told(tally) for tally in tallies[:SIMILAR]] == [(f"m{number}", 1) for number in range(SIMILAR)]
    assert tallies[SIMILAR] is tallies[-1]
    assert told(tallies[-1]) == (f"{COMBINED}m{SIMILAR + 2}", 3)
    assert told(correlator.count(sighting("m0"), 1.0)) == ("m0", 2)


def test_after_a_quiet_while_messages_stand_alone_again() -> None:
    correlator = EventCorrelator()
    for number in range(SIMILAR + 1):
        correlator.count(sighting(f"m{number}"), 0.0)
    assert told(correlator.count(sighting("new"), SIMILAR_WITHIN_S + 1)) == ("new", 1)


def test_an_object_that_tells_too_much_is_cut_off_and_others_are_not() -> None:
    correlator = EventCorrelator()
    heard = [correlator.count(sighting("again"), 0.0) for _ in range(BURST + 5)]
    assert [tally is not None for tally in heard] == [True] * BURST + [False] * 5
    assert correlator.count(sighting("again", name="db"), 0.0) is not None
    assert told(correlator.count(sighting("again"), REFILL_S + 1)) == ("again", BURST + 6)
    assert correlator.count(sighting("again"), REFILL_S + 2) is None


def test_events_of_one_moment_are_named_in_the_order_they_happened() -> None:
    correlator = EventCorrelator()
    told = [correlator.count(sighting(message), 0.0) for message in ("Pulled", "Created", "Started")]
    names = [event.metadata.name for event in told if event is not None]
    assert len(names) == 3
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("about", "begins"),
    [
        ("web", "web."),
        ("a" * 253, "a" * 236 + "."),
        ("a" * 235 + "." + "b" * 17, "a" * 235 + "."),
        ("system:controller:job", "system-controller-job."),
        ("Admin_2", "admin-2."),
        ("x..y", "x-y."),
        ("::", ""),
    ],
)
def test_whatever_an_event_is_about_its_name_is_one_that_is_taken(about: str, begins: str) -> None:
    correlator = EventCorrelator()
    told = [correlator.count(sighting(message, name=about), 0.0) for message in ("one", "another")]
    found = [event.metadata.name for event in told if event is not None]
    assert [names.rfc1123_subdomain(name) for name in found] == [[], []]
    assert len(set(found)) == 2
    assert all(name.startswith(begins) for name in found)
