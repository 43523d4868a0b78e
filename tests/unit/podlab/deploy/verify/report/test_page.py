from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser

from podlab.deploy.verify.report.benchmark import Answer, Benchmark, BenchmarkControl
from podlab.deploy.verify.report.checks import CheckOutcome, MadeCheck
from podlab.deploy.verify.report.document import Report
from podlab.deploy.verify.report.page import render

FAILED = MadeCheck("test_a", "n1", "it <answers>", CheckOutcome.FAILED, "it is <silent>")
CONTROLS = (
    BenchmarkControl("1.1", "Runs", Answer.CHECKED, checks=("test_a",)),
    BenchmarkControl("1.2", "x", Answer.YOURS, why="look"),
)
REPORT = Report("lab", "1.0", datetime(2026, 11, 30, 12, tzinfo=UTC), (FAILED,), Benchmark("Benchmark", "1", CONTROLS))


class Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text += data.split()


def test_it_shows_what_was_found_as_text_whatever_that_is() -> None:
    page = Text()
    page.feed(render(REPORT))
    shown = " ".join(page.text)
    assert "0 checks passed, 1 failed, 0 skipped" in shown
    assert "n1 ✗ it <answers> it is <silent>" in shown
    assert "1.1 Runs n1: it <answers>: it is <silent> checked fails" in shown
    assert "1 is decided by whoever uses the cluster" in shown
    assert shown.endswith("1.2 x look yours")


def test_it_needs_nothing_else() -> None:
    assert "http" not in render(REPORT)
    assert "<script" not in render(REPORT)
