"""Whether what clients saw of one key can have happened in one order: each operation at a moment between its call and
its answer, on a value that is changed by one at a time. Pure.

The search is Wing and Gong's (1993) with Lowe's memory of what was tried (2017): a set of operations that are in order
and the value after them is looked at once. One whose outcome is not known may have happened at any time since its call,
or not at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

NEVER: Final = math.inf
"""When an operation returned of which nobody knows how it ended."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One call; times are of one clock, in seconds. Values are unlike each other, or a lost one is not missed."""

    client: str
    called: float
    returned: float = NEVER

    def after(self, value: str | None) -> tuple[str | None, ...]:
        """The value after it, where it fits that before; None is a key that is not there. Empty: it does not fit."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Read(Operation):
    """Found the value, or that there is none."""

    found: str | None

    def after(self, value: str | None) -> tuple[str | None, ...]:
        return (value,) if self.found == value else ()


@dataclass(frozen=True, kw_only=True)
class Write(Operation):
    """Set the value, whatever it was; None deletes."""

    value: str | None

    def after(self, value: str | None) -> tuple[str | None, ...]:
        return (self.value,)


@dataclass(frozen=True, kw_only=True)
class Swap(Operation):
    """Set the value where it was `expected`. `done` says whether it was; None: nobody knows."""

    expected: str | None
    value: str | None
    done: bool | None

    def after(self, value: str | None) -> tuple[str | None, ...]:
        fits = value == self.expected
        if self.done is not None and self.done != fits:
            return ()
        return (self.value,) if fits else (value,)


@dataclass(frozen=True)
class Violation:
    """No order explains the history. `ordered` is how far the best one got, with `value` after it; each of `stuck`
    had to come next, and none fits."""

    ordered: tuple[Operation, ...]
    value: str | None
    stuck: tuple[Operation, ...]

    def __str__(self) -> str:
        lines = [f"after {len(self.ordered)} operations the value is {self.value!r}; none of these can come next:"]
        return "\n  ".join([*lines, *map(str, self.stuck)])


def violation(history: Iterable[Operation], first: str | None = None) -> Violation | None:
    """None where some order explains it; `first` is the value before all."""
    operations = sorted(history, key=lambda each: each.called)
    ended = sum(1 << number for number, each in enumerate(operations) if each.returned != NEVER)
    best = (0, first)
    todo, tried = [best], {best}
    while todo:
        ordered, value = todo.pop()
        if ordered & ended == ended:
            return None
        if ordered.bit_count() > best[0].bit_count():
            best = ordered, value
        for number in next_ones(operations, ordered):
            for after in operations[number].after(value):
                state = (ordered | 1 << number, after)
                if state not in tried:
                    tried.add(state)
                    todo.append(state)
    return Violation(
        tuple(each for number, each in enumerate(operations) if best[0] >> number & 1),
        best[1],
        tuple(operations[number] for number in next_ones(operations, best[0])),
    )


def next_ones(operations: Sequence[Operation], ordered: int) -> Iterator[int]:
    """Which of those that are not in order yet, as bits of `ordered`, may come next: those that were called before any
    other of these returned."""
    least = NEVER
    begin = (~ordered & (ordered + 1)).bit_length() - 1  # the first that is not
    for number in range(begin, len(operations)):
        if ordered >> number & 1:
            continue
        if operations[number].called > least:
            return
        least = min(least, operations[number].returned)
        yield number
