"""Loops over lists and maps: what the macros all, exists, map, filter, transformMap ... become.

A loop starts with a value, makes a new one of it with each item, and says at the end what it makes of the last one.
A step that fails does not end the loop: all() is false if any other item says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from podlab.cel.frame import Frame, Step
from podlab.cel.values import CostLimitExceeded, EvaluationError, NoSuchOverload


@dataclass(frozen=True, slots=True)
class Loop:
    """The parts of a loop."""

    over: Step
    start: Step
    condition: Step
    """Whether to go on."""
    step: Step
    result: Step
    accumulator: int
    """The place in the frame of the value that is made."""


def loop(parts: Loop, *, first: int, second: int | None) -> Step:
    """A loop whose variables have these places. With two variables they are key and value, or index and item."""
    over, start, condition, step, result = parts.over, parts.start, parts.condition, parts.step, parts.result
    accumulator, put = parts.accumulator, _put(first, second)

    def run(frame: Frame) -> object:
        held = frame.locals
        items = _items(over(frame), paired=second is not None)
        held[accumulator] = start(frame)
        for item in items:
            put(held, item)
            if not condition(frame):
                break
            frame.charge(1)
            try:
                held[accumulator] = step(frame)
            except EvaluationError as e:
                held[accumulator] = e
        return result(frame)

    return run


def quantifier(over: Step, predicate: Step, *, decisive: bool, first: int, second: int | None) -> Step:
    """all() and exists(): the first item for which the predicate is `decisive` ends the loop."""
    put = _put(first, second)

    def run(frame: Frame) -> object:
        held = frame.locals
        failed: EvaluationError | None = None
        for item in _items(over(frame), paired=second is not None):
            put(held, item)
            frame.cost += _TURN
            if frame.cost > frame.limit:
                raise CostLimitExceeded
            try:
                judged = predicate(frame)
                if judged is decisive:
                    return decisive
                if not isinstance(judged, bool):
                    raise NoSuchOverload
            except EvaluationError as e:
                failed = failed or e
        if failed is not None:
            raise failed
        return not decisive

    return run


_TURN = 4  # what the parts of a loop cost each time: the condition, the value so far, and both joined


def _put(first: int, second: int | None) -> Callable[[list[object], object], None]:
    if second is None:
        return lambda held, item: held.__setitem__(first, item)

    def put_both(held: list[object], item: object) -> None:
        assert isinstance(item, tuple)
        held[first], held[second] = item

    return put_both


def _items(iterated: object, *, paired: bool) -> Iterable[object]:
    if isinstance(iterated, list):
        return enumerate(iterated) if paired else iterated
    if isinstance(iterated, dict):
        return iterated.items() if paired else iterated
    raise NoSuchOverload
