from __future__ import annotations

from podlab.cli.timeline import chart
from podlab.spans.way import Way, way
from podlab.v1.timeline_pb2 import PodTimelineResponse


def test_the_heading_says_how_long_it_took_and_what_was_slowest(answer: PodTimelineResponse) -> None:
    lines = chart.chart("web-1-abc", way(answer), 120)
    assert lines[0] == "pod web-1-abc: ready after 72.0 ms, reached from all 2 nodes after 100 ms"
    assert lines[1] == "slowest: network (CNI) podlab (kubelet on n1), 30.0 ms, 30% of the time"


def test_each_step_has_a_bar_where_its_time_was(answer: PodTimelineResponse) -> None:
    lines = chart.chart("web-1-abc", way(answer), 160)
    row = next(line for line in lines if line.startswith((" 30.0", "30.0")))
    assert row.split()[:4] == ["30.0", "ms", "30.0", "ms"]
    start = lines[3].index("BY") + len("kubelet on n1") + 3
    bar = row[start:]
    assert bar.strip() == "#" * len(bar.strip())
    assert abs((len(bar) - len(bar.strip())) / len(bar.strip()) - 1) < 0.1


def test_no_line_is_wider_than_the_terminal(answer: PodTimelineResponse) -> None:
    rows = chart.chart("web-1-abc", way(answer), 120)[3:]
    assert max(len(line) for line in rows if "cannot be asked" not in line) <= 120


def test_notes_say_whose_clock_differs_and_who_cannot_be_asked(answer: PodTimelineResponse) -> None:
    lines = chart.chart("web-1-abc", way(answer), 120)
    assert "dns on n2 cannot be asked: no answer" in lines
    assert "the clock of proxy on n2 is 500 ms ahead (±1.0 ms): its times are moved by that" in lines
    assert lines[-1].endswith("are the same within 1.0 ms")


def test_a_pod_of_which_nobody_knows_anything_is_told_so() -> None:
    assert chart.chart("web", Way("pod", ()), 80) == ["pod web: nobody remembers anything of it"]


def test_several_pods_have_a_line_each_and_the_last_one_its_steps(answer: PodTimelineResponse) -> None:
    early = PodTimelineResponse(uid="early", components=answer.components[:4])
    lines = chart.report("deployment.apps/web", {"early": way(early), "late": way(answer)}, 120)
    assert [line.split()[0] for line in lines[:3]] == ["POD", "late", "early"]
    assert lines[4] == "deployment.apps/web: 2 pods; the one that was last, step by step:"
    assert lines[6].startswith("pod late: ready after")
