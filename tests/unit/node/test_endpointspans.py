from __future__ import annotations

from node.endpointspans import EndpointSpans
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice


def _slice(**ready: bool) -> EndpointSlice:
    made = EndpointSlice()
    for address, is_ready in ready.items():
        made.endpoints.add(addresses=[address]).conditions.ready = is_ready
    return made


def _noted(spans: EndpointSpans, address: str) -> list[str]:
    return [each.name for _, each in spans.spans.of([f"default/web:{address}"])]


def test_what_was_seen_before_a_pass_is_done_with_it() -> None:
    spans = EndpointSpans("rules")
    spans.ready("default", "web", None, _slice(a=True, b=False))
    spans.begin()
    spans.ready("default", "web", _slice(a=True), _slice(a=True, c=True))
    spans.done()
    assert _noted(spans, "a") == ["rules"]
    assert _noted(spans, "b") == _noted(spans, "c") == []


def test_a_pass_that_failed_is_made_up_for_by_the_next_one() -> None:
    spans = EndpointSpans("rules")
    spans.seen("default", "web", "a")
    spans.begin()
    spans.begin()
    spans.done()
    spans.done()
    assert _noted(spans, "a") == ["rules"]


def test_an_endpoint_that_was_ready_is_nothing_new_and_one_that_says_nothing_is_ready() -> None:
    spans, unknown = EndpointSpans("rules"), EndpointSlice()
    unknown.endpoints.add(addresses=["d"])
    spans.ready("default", "web", _slice(a=True), _slice(a=True))
    spans.ready("default", "web", None, unknown)
    spans.ready("default", "web", _slice(a=True), None)
    spans.begin()
    spans.done()
    assert _noted(spans, "a") == []
    assert _noted(spans, "d") == ["rules"]
