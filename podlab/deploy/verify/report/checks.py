"""What came of a check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckOutcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class MadeCheck:
    """`function` is the test, `subjects` what it was about besides its host: a unit, a component, an area."""

    function: str
    host: str
    sentence: str
    outcome: CheckOutcome
    reason: str = ""
    subjects: tuple[str, ...] = ()
