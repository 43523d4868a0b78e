"""A benchmark's controls, how Podlab answers each, and what a run's checks say of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from podlab.deploy.verify.report.checks import CheckOutcome, MadeCheck


class Answer(StrEnum):
    """As tests/verify/cis-1.12.yaml says."""

    CHECKED = "checked"
    INHERENT = "inherent"
    DEFAULT = "default"
    OTHERWISE = "otherwise"
    YOURS = "yours"
    ABSENT = "absent"


APPLIES: Final = frozenset(Answer) - {Answer.ABSENT}


class State(StrEnum):
    """What a run says of a control. DECIDED where no check of a host could say more than the answer does."""

    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "not looked at"
    DECIDED = ""


@dataclass(frozen=True)
class BenchmarkControl:
    """`checks` are tests of tests/verify, as FUNCTION or FUNCTION/SUBJECT; `tests` files of the source tree."""

    id: str
    what: str
    answer: Answer
    checks: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Benchmark:
    name: str
    version: str
    controls: tuple[BenchmarkControl, ...]


@dataclass(frozen=True)
class ControlVerdict:
    control: BenchmarkControl
    state: State
    failed: tuple[MadeCheck, ...] = ()


def parse(document: Mapping[str, object]) -> Benchmark:
    """Raises TypeError or ValueError where it is no such document."""
    entries = document["controls"]
    if not isinstance(entries, list):
        raise TypeError("controls: expected a list")
    return Benchmark(str(document["benchmark"]), str(document["version"]), tuple(map(_control, entries)))


def judge(benchmark: Benchmark, checks: Sequence[MadeCheck]) -> list[ControlVerdict]:
    """What these checks, each made on some host, say of each control."""
    by_function: dict[str, list[MadeCheck]] = {}
    for check in checks:
        by_function.setdefault(check.function, []).append(check)
    return [_verdict(control, by_function) for control in benchmark.controls]


def _control(entry: Mapping[str, object]) -> BenchmarkControl:
    def words(name: str) -> tuple[str, ...]:
        found = entry.get(name, [])
        if not isinstance(found, list):
            raise TypeError(f"{entry['id']}: {name}: expected a list")
        return tuple(map(str, found))

    answer, why = Answer(str(entry["answer"])), str(entry.get("why", ""))
    return BenchmarkControl(str(entry["id"]), str(entry["what"]), answer, words("checks"), words("tests"), why)


def _verdict(control: BenchmarkControl, by_function: Mapping[str, list[MadeCheck]]) -> ControlVerdict:
    if not control.checks:
        return ControlVerdict(control, State.DECIDED)
    made = [check for name in control.checks for check in _those_of(name, by_function)]
    failed = tuple(check for check in made if check.outcome is CheckOutcome.FAILED)
    if failed:
        return ControlVerdict(control, State.FAILS, failed)
    looked = any(check.outcome is CheckOutcome.PASSED for check in made)
    return ControlVerdict(control, State.HOLDS if looked else State.UNKNOWN)


def _those_of(name: str, by_function: Mapping[str, list[MadeCheck]]) -> Iterable[MadeCheck]:
    function, _, subject = name.partition("/")
    return (check for check in by_function.get(function, ()) if not subject or subject in check.subjects)
