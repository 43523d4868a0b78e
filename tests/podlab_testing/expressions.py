"""Expressions of CEL, evaluated over variables that tests give."""

from __future__ import annotations

from functools import cache

from podlab.cel.compiler import Environment
from podlab.cel.environments import base_environment
from podlab.cel.frame import Budget
from podlab.cel.types import DYN
from podlab.cel.values import EvaluationError

Case = tuple[str, object]


@cache
def environment() -> Environment:
    """One variable, `self`, of any type."""
    return base_environment({"self": DYN})


def value_of(expression: str, self_: object = None) -> object:
    """What the expression comes to; of one that fails, the EvaluationError's text behind `error: `."""
    try:
        return environment().compile(expression).evaluate({"self": self_}, Budget())
    except EvaluationError as e:
        return f"error: {e}"
