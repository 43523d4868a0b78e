"""What policies and webhooks have in common: conditions that a write has to meet, and variables. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from podlab.admissionregistration.v1 import matching_pb2, validatingadmissionpolicy_pb2
from podlab.cel.admission.expressions import VARIABLES, RequestExpressions
from podlab.cel.frame import TOTAL_LIMIT, Budget
from podlab.cel.values import CostLimitExceeded, EvaluationError, LazyMap

_LIMIT = TOTAL_LIMIT // 4
_OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"


class Conditions:
    """matchConditions. Raises CompileError."""

    def __init__(self, conditions: Iterable[matching_pb2.MatchCondition], expressions: RequestExpressions) -> None:
        self._conditions = [(one.expression, expressions.condition(one.expression)) for one in conditions]

    def met(self, variables: Mapping[str, object]) -> tuple[bool, str]:
        """Whether all hold, or why that cannot be said: one that is false decides, whatever becomes of the others."""
        budget, errors = Budget(_LIMIT), list[str]()
        for expression, program in self._conditions:
            try:
                if program.evaluate(variables, budget) is False:
                    return False, ""
            except (EvaluationError, CostLimitExceeded) as e:
                errors.append(failed(expression, e, budget))
        return not errors, errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]" if errors else ""


class Variables:
    """A policy's variables; each may use those before it. Raises CompileError."""

    def __init__(
        self, variables: Iterable[validatingadmissionpolicy_pb2.Variable], expressions: RequestExpressions
    ) -> None:
        self._programs = {one.name: expressions.define(one.name, one.expression) for one in variables}

    def added(self, variables: Mapping[str, object], budget: Budget) -> dict[str, object]:
        """All that expressions see. Each variable is worked out when it is first read."""
        seen: dict[str, object] = dict(variables)

        def read(name: str) -> object:
            try:
                return self._programs[name].evaluate(seen, budget)
            except EvaluationError as e:
                raise EvaluationError(f'composited variable "{name}" fails to evaluate: {e}') from None

        seen[VARIABLES] = LazyMap({name: partial(read, name) for name in self._programs})
        return seen


def failed(expression: str, error: Exception, budget: Budget) -> str:
    """What is told of an expression that has no value."""
    return _OUT_OF_BUDGET if budget.remaining < 0 else f"expression '{expression}' resulted in error: {error}"
