from __future__ import annotations

from datetime import UTC, datetime

from podlab.deploy.verify.report.benchmark import Answer, Benchmark, BenchmarkControl
from podlab.deploy.verify.report.checks import CheckOutcome, MadeCheck
from podlab.deploy.verify.report.document import Report, as_json

REPORT = Report(
    cluster="lab",
    version="1.0",
    made=datetime(2026, 11, 30, 12, tzinfo=UTC),
    checks=(
        MadeCheck("test_a", "m1", "it runs", CheckOutcome.PASSED),
        MadeCheck("test_b", "n1", "it <answers>", CheckOutcome.FAILED, "it is <silent>"),
    ),
    benchmark=Benchmark(
        "Benchmark",
        "1",
        (
            BenchmarkControl("1.1", "Runs", Answer.CHECKED, checks=("test_a",)),
            BenchmarkControl("1.2", "Answers", Answer.CHECKED, checks=("test_b",)),
            BenchmarkControl("1.3", "Windows", Answer.ABSENT, why="hosts run Linux"),
        ),
    ),
)


def test_it_says_what_came_of_each_check_and_of_each_control() -> None:
    assert as_json(REPORT) == {
        "cluster": "lab",
        "podlab": "1.0",
        "made": "2026-11-30T12:00:00+00:00",
        "counts": {"passed": 1, "failed": 1, "skipped": 0},
        "checks": [
            {"host": "m1", "check": "it runs", "outcome": "passed", "test": "test_a"},
            {"host": "n1", "check": "it <answers>", "outcome": "failed", "test": "test_b", "reason": "it is <silent>"},
        ],
        "benchmark": {
            "name": "Benchmark",
            "version": "1",
            "controls": [
                {
                    "id": "1.1",
                    "what": "Runs",
                    "applies": True,
                    "answer": "checked",
                    "state": "holds",
                    "checks": ["test_a"],
                },
                {
                    "id": "1.2",
                    "what": "Answers",
                    "applies": True,
                    "answer": "checked",
                    "state": "fails",
                    "checks": ["test_b"],
                    "failed": ["n1: it <answers>: it is <silent>"],
                },
                {"id": "1.3", "what": "Windows", "applies": False, "answer": "absent", "why": "hosts run Linux"},
            ],
        },
    }
