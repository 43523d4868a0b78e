"""A report as JSON: for programs, and what the page shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from podlab.deploy.verify.report.benchmark import APPLIES, Benchmark, ControlVerdict, State, judge
from podlab.deploy.verify.report.checks import CheckOutcome, MadeCheck


@dataclass(frozen=True)
class Report:
    cluster: str
    version: str
    made: datetime
    checks: tuple[MadeCheck, ...]
    benchmark: Benchmark

    @property
    def verdicts(self) -> list[ControlVerdict]:
        return judge(self.benchmark, self.checks)


def count(checks: Sequence[MadeCheck]) -> dict[str, int]:
    found = Counter(check.outcome for check in checks)
    return {str(outcome): found[outcome] for outcome in CheckOutcome}


def as_json(report: Report) -> dict[str, object]:
    return {
        "cluster": report.cluster,
        "podlab": report.version,
        "made": report.made.isoformat(timespec="seconds"),
        "counts": count(report.checks),
        "checks": [_check(check) for check in report.checks],
        "benchmark": {
            "name": report.benchmark.name,
            "version": report.benchmark.version,
            "controls": [_control(verdict) for verdict in report.verdicts],
        },
    }


def _check(check: MadeCheck) -> dict[str, object]:
    found: dict[str, object] = {"host": check.host, "check": check.sentence, "outcome": str(check.outcome)}
    return {**found, "test": check.function, **({"reason": check.reason} if check.reason else {})}


def _control(verdict: ControlVerdict) -> dict[str, object]:
    control = verdict.control
    found: dict[str, object] = {
        "id": control.id,
        "what": control.what,
        "applies": control.answer in APPLIES,
        "answer": str(control.answer),
    }
    more: dict[str, object] = {
        "state": "" if verdict.state is State.DECIDED else str(verdict.state),
        "why": control.why,
        "checks": list(control.checks),
        "tests": list(control.tests),
        "failed": [f"{check.host}: {check.sentence}: {check.reason}" for check in verdict.failed],
    }
    return {**found, **{name: value for name, value in more.items() if value}}
