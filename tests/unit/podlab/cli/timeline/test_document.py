from __future__ import annotations

from typing import Any

import orjson

from podlab.cli.timeline.document import document
from podlab.spans.way import way
from podlab.v1.timeline_pb2 import PodTimelineResponse


def test_all_of_a_way_is_in_the_document(answer: PodTimelineResponse) -> None:
    made: Any = orjson.loads(orjson.dumps(document("pod/web", {"web": way(answer)})))
    (pod,) = made["pods"]
    assert (made["target"], pod["ready_ms"], pod["reached_ms"]) == ("pod/web", 72.0, 100.0)
    assert (pod["slowest"]["step"], pod["slowest"]["alone_ms"]) == ("network (CNI) podlab", 30.0)
    assert sum(each["alone_ms"] for each in pod["steps"]) == 100.0
    assert pod["unanswered"] == [{"where": "dns on n2", "error": "no answer"}]
    assert [each["where"] for each in pod["clocks"] if each["moved"]] == ["proxy on n2"]
