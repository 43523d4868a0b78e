from __future__ import annotations

import re

import pytest
import yaml
from podlab_testing.source_code import PROJECT

from podlab.deploy.verify.cli import BENCHMARK, TESTS
from podlab.deploy.verify.report.benchmark import Answer, Benchmark, BenchmarkControl, State, judge, parse
from podlab.deploy.verify.report.checks import CheckOutcome, MadeCheck

CIS = parse(yaml.safe_load(BENCHMARK.read_text()))
# How many controls each section has.
SECTIONS = {
    "1.1": 21, "1.2": 30, "1.3": 7, "1.4": 2, "2": 7, "3.1": 3, "3.2": 2, "4.1": 10, "4.2": 14, "4.3": 1,
    "5.1": 13, "5.2": 12, "5.3": 2, "5.4": 2, "5.5": 1, "5.6": 4,
}  # fmt: skip


def check(function: str, outcome: CheckOutcome, *subjects: str, host: str = "m1") -> MadeCheck:
    return MadeCheck(
        function, host, "it is so", outcome, "" if outcome is CheckOutcome.PASSED else "it is not", subjects
    )


def verdict(control: BenchmarkControl, *checks: MadeCheck) -> State:
    (found,) = judge(Benchmark("b", "1", (control,)), checks)
    return found.state


def test_each_control_of_the_benchmark_is_answered_once() -> None:
    wanted = [f"{section}.{number}" for section, many in SECTIONS.items() for number in range(1, many + 1)]
    assert [control.id for control in CIS.controls] == wanted


@pytest.mark.parametrize("control", CIS.controls, ids=lambda control: control.id)
def test_an_answer_is_proved_or_explained(control: BenchmarkControl) -> None:
    if control.answer is Answer.CHECKED:
        assert control.checks
    elif control.answer is Answer.INHERENT:
        assert control.tests or control.why
    else:
        assert control.why


def test_checks_and_tests_that_are_named_are_there() -> None:
    text = "\n".join(path.read_text() for path in TESTS.glob("test_*.py"))
    functions = set(re.findall(r"^def (test_\w+)", text, re.MULTILINE))
    for control in CIS.controls:
        for name in control.checks:
            function, _, subject = name.partition("/")
            assert function in functions, control.id
            assert subject.partition(":")[0] in text, control.id
        for path in control.tests:
            assert (PROJECT / path).exists(), control.id


def test_a_control_holds_where_its_checks_passed() -> None:
    control = BenchmarkControl("1", "x", Answer.CHECKED, checks=("test_a", "test_b/units"))
    passed = [check("test_a", CheckOutcome.PASSED), check("test_b", CheckOutcome.PASSED, "units")]
    assert verdict(control, *passed) is State.HOLDS
    assert verdict(control, *passed, check("test_b", CheckOutcome.FAILED, "the store")) is State.HOLDS


def test_a_control_fails_where_one_of_its_checks_failed_on_any_host() -> None:
    control = BenchmarkControl("1", "x", Answer.CHECKED, checks=("test_a",))
    failed = check("test_a", CheckOutcome.FAILED, host="m2")
    (found,) = judge(Benchmark("b", "1", (control,)), [check("test_a", CheckOutcome.PASSED), failed])
    assert (found.state, found.failed) == (State.FAILS, (failed,))


def test_what_was_not_looked_at_is_not_said_to_hold() -> None:
    control = BenchmarkControl("1", "x", Answer.CHECKED, checks=("test_a",))
    assert verdict(control) is State.UNKNOWN
    assert verdict(control, check("test_a", CheckOutcome.SKIPPED)) is State.UNKNOWN
    assert verdict(BenchmarkControl("1", "x", Answer.YOURS, why="see")) is State.DECIDED
