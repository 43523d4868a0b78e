from __future__ import annotations

import re
from html.parser import HTMLParser

from podlab.cli.timeline.page import page
from podlab.spans.way import way
from podlab.v1.timeline_pb2 import PodTimelineResponse


class Reader(HTMLParser):
    """The open elements at the end, and all addresses that a browser would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(answer: PodTimelineResponse) -> None:
    made, reader = page("pod/web", {"web": way(answer)}), Reader()
    reader.feed(made)
    assert (reader.open, reader.loads) == ([], [])
    assert "http" not in made
    assert "url(" not in made


def test_each_step_has_a_bar_and_the_slowest_stands_out(answer: PodTimelineResponse) -> None:
    made = page("pod/web", {"web": way(answer)})
    rows = re.findall(r'<tr class="([^"]*)">(.*?)</tr>', made, re.DOTALL)
    worst = [row for kinds, row in rows if "worst" in kinds]
    assert len(worst) == 1
    assert "network (CNI) podlab" in worst[0]
    assert 'style="left: 30.00%; width: 30.00%"' in worst[0]
    assert len([kinds for kinds, _ in rows if "wait" in kinds]) == 6


def test_what_users_have_named_is_escaped(answer: PodTimelineResponse) -> None:
    answer.components[3].spans[1].detail = "<script>"
    assert "<script>" not in page("pod/web", {"<b>": way(answer)})
    assert "<b>" not in page("pod/web", {"<b>": way(answer)})
