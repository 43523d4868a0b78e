"""Requests that got no answer, and which of them the machine is to blame for. Pure."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

SAME_S = 1.0  # so near is "at the same time"


@dataclass(frozen=True)
class Loss:
    """When the request began and when it had failed, in seconds since 1970, and why."""

    began_s: float
    failed_s: float
    why: str

    @classmethod
    def read(cls, line: str) -> Self:
        """Of a line that `steady.py` prints."""
        began_s, failed_s, why = line.split(" ", 2)
        return cls(float(began_s), float(failed_s), why)

    def __str__(self) -> str:
        at = time.strftime("%X", time.localtime(self.failed_s))
        return f"{at} {self.why}, after {self.failed_s - self.began_s:.1f} s"


@dataclass(frozen=True)
class Told:
    """What became of somebody's requests."""

    answered: int
    lost: tuple[Loss, ...]

    @classmethod
    def read(cls, text: str) -> Self:
        """Of all that `steady.py` prints, which may end with an empty line."""
        count, *lines = text.splitlines()
        return cls(int(count), tuple(Loss.read(line) for line in lines if line))


def not_by_the_machine(lost: Collection[Loss], control: Collection[Loss]) -> list[Loss]:
    """The losses at whose time the control, which asks from the same place, lost nothing."""
    return [each for each in lost if not any(_meet(each, other) for other in control)]


def _meet(one: Loss, other: Loss) -> bool:
    return one.began_s - SAME_S <= other.failed_s and other.began_s - SAME_S <= one.failed_s
