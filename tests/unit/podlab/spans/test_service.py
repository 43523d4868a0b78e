from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from podlab.errors import ServicerContext
from podlab.spans.service import SpansServicer, response
from podlab.spans.spans import Spans, TimeSpan
from podlab.v1 import timeline_pb2


def test_an_answer_tells_the_clock_and_since_when_it_is_remembered() -> None:
    spans = Spans(clock=lambda: 12.5)
    made = response(spans, ["a"])
    assert (made.now_ns, made.since_ns, len(made.spans)) == (12_500_000_000, 12_500_000_000, 0)


async def test_what_is_found_elsewhere_stands_behind_what_is_remembered() -> None:
    spans = Spans()
    spans.note("a", "sandbox", 1.0, 2.0)

    async def found(keys: Sequence[str]) -> list[tuple[str, TimeSpan]]:
        return [(keys[0], TimeSpan("network", 1.25, 1.5, "podlab"))]

    request = timeline_pb2.ListSpansRequest(keys=["a"])
    answer = await SpansServicer(spans, found).ListSpans(request, cast(ServicerContext, None))
    assert [(each.key, each.name, each.began_ns, each.ended_ns, each.detail) for each in answer.spans] == [
        ("a", "sandbox", 1_000_000_000, 2_000_000_000, ""),
        ("a", "network", 1_250_000_000, 1_500_000_000, "podlab"),
    ]
