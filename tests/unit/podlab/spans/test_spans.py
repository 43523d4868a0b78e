from __future__ import annotations

from podlab.spans.spans import Spans, TimeSpan


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_spans_come_back_with_the_key_that_they_were_noted_under() -> None:
    spans = Spans()
    spans.note("a", "sandbox", 1.0, 2.0)
    spans.note("b", "image", 3.0, 4.0, "nginx:1")
    assert spans.of(["b", "missing"]) == [("b", TimeSpan("image", 3.0, 4.0, "nginx:1"))]


def test_a_span_without_an_end_ends_now() -> None:
    clock = Clock()
    spans = Spans(clock=clock)
    spans.note("a", "scheduled", 98.5)
    spans.moment("a", "seen")
    assert [each for _, each in spans.of(["a"])] == [TimeSpan("scheduled", 98.5, 100.0), TimeSpan("seen", 100.0, 100.0)]


def test_the_key_that_came_first_is_forgotten_when_there_are_too_many() -> None:
    spans = Spans(keys=2)
    for key in ("a", "b", "a", "c"):
        spans.moment(key, "seen")
    assert spans.of(["a"]) == []
    assert {key for key, _ in spans.of(["b", "c"])} == {"b", "c"}


def test_the_oldest_span_of_a_key_is_forgotten_when_it_has_too_many() -> None:
    spans = Spans(of_each=2)
    for name in ("first", "second", "third"):
        spans.moment("a", name)
    assert [each.name for _, each in spans.of(["a"])] == ["second", "third"]


def test_a_span_is_known_by_name_and_detail() -> None:
    spans = Spans()
    spans.note("a", "endpoints", 1.0, 2.0, "web")
    assert spans.has("a", "endpoints", "web")
    assert not spans.has("a", "endpoints", "other")
    assert not spans.has("b", "endpoints", "web")
