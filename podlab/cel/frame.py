"""What one evaluation holds: the variables, those of its loops, and what it has cost so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from podlab.cel.values import CostLimitExceeded

PER_CALL_LIMIT: Final = 1_000_000
"""What one evaluation may cost, in CEL's units."""
TOTAL_LIMIT: Final = 10_000_000
"""What all evaluations for one object, or for one policy and binding, may cost."""


@dataclass(slots=True)
class Budget:
    """What several evaluations may still cost together. Below 0, one has asked for more than was left."""

    remaining: int = TOTAL_LIMIT


class Frame:
    """One evaluation. Steps add to `cost`; loops and functions that depend on a size also look whether it is too much.

    What lies between two looks is bounded by the expression's length.
    """

    __slots__ = ("cost", "limit", "locals", "variables")

    def __init__(self, variables: Mapping[str, object], slots: int, limit: int) -> None:
        self.variables = variables
        self.locals: list[object] = [None] * slots
        self.cost = 0
        self.limit = limit

    def charge(self, cost: int) -> None:
        """Add to what it has cost. Raises CostLimitExceeded."""
        self.cost += cost
        if self.cost > self.limit:
            raise CostLimitExceeded


Step = Callable[[Frame], object]
"""A part of an expression, ready to be evaluated. Raises EvaluationError or CostLimitExceeded."""
