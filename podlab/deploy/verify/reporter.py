"""A pytest plugin that prints each check as a sentence, under the host that it is about, and keeps what came of it."""

import re
import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Final, TextIO

import pytest

from podlab.deploy.verify.report.checks import CheckOutcome, MadeCheck

CLUSTER: Final = "cluster"
"""Heading of the checks that are no single host's."""

_MARKS: Final = {"passed": ("✓", 32), "failed": ("✗", 31), "skipped": ("-", 33)}


@dataclass(eq=False)  # pytest keeps its plugins in sets
class Reporter:
    """Expects the tests in the order in which they shall be read; a test's docstring is its sentence."""

    output: TextIO = field(default_factory=lambda: sys.stdout)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_MARKS, 0))
    checks: list[MadeCheck] = field(default_factory=list)
    cluster: str = ""
    """Of which cluster they are; whoever knows the inventory says it."""
    _heading: str = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        # A check passes in its call; it can fail or be skipped in any phase.
        if report.when == "call" or report.outcome != "passed":
            heading, sentence, reason = heading_of(item), sentence_of(item), reason_of(report)
            self._print(heading, report.outcome, sentence, reason)
            function, outcome = getattr(item, "originalname", item.name), CheckOutcome(report.outcome)
            self.checks.append(MadeCheck(function, heading, sentence, outcome, reason, subjects_of(item)))
        return report

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._print(CLUSTER, "failed", f"the checks in {report.nodeid} can be run", report.longreprtext)

    def pytest_sessionfinish(self) -> None:
        passed, failed, skipped = (self.counts[outcome] for outcome in _MARKS)
        skips = f", {skipped} skipped" if skipped else ""
        self._write(f"\n{passed} {'check' if passed == 1 else 'checks'} passed, {failed} failed{skips}")

    def _print(self, heading: str, outcome: str, sentence: str, reason: str) -> None:
        self.counts[outcome] += 1
        if heading != self._heading:
            self._write(f"\n{heading}" if self._heading else heading)
            self._heading = heading
        mark, colour = _MARKS[outcome]
        shown = f"\033[{colour}m{mark}\033[0m" if self.output.isatty() else mark
        self._write(f"  {shown} {sentence}")
        for line in reason.splitlines():
            self._write(f"      {line}")

    def _write(self, line: str) -> None:
        print(line, file=self.output, flush=True)


def heading_of(item: pytest.Item) -> str:
    """The host that a check is about."""
    return str(parameters_of(item).get("host_name", CLUSTER))


def sentence_of(item: pytest.Item) -> str:
    """The test's docstring with its parameters filled in, or its name in words."""
    written = getattr(item, "function", None) and item.function.__doc__  # type: ignore[attr-defined]
    if not written:
        return item.name.removeprefix("test_").replace("_", " ")
    values = parameters_of(item)
    return re.sub(r"\{(\w+)\}", lambda match: str(values[match.group(1)]), written.strip().splitlines()[0]).rstrip(".")


def reason_of(report: pytest.TestReport) -> str:
    """Why a check failed or was skipped: an assertion's own message, or the whole error of anything else."""
    if report.passed:
        return ""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    message = crash.message if crash is not None else report.longreprtext
    said, found, _ = message.partition("\nassert ")
    return said.removeprefix("AssertionError: ") if found else message.removeprefix("AssertionError: ")


def subjects_of(item: pytest.Item) -> tuple[str, ...]:
    """What a check is about besides its host."""
    return tuple(str(value) for name, value in parameters_of(item).items() if name != "host_name")


def parameters_of(item: pytest.Item) -> dict[str, object]:
    """What a check was parametrised with."""
    callspec = getattr(item, "callspec", None)
    return {} if callspec is None else dict(callspec.params)
