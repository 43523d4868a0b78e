from __future__ import annotations

import pytest
from podlab_testing.expressions import environment

from podlab.cel.frame import TOTAL_LIMIT, Budget
from podlab.cel.values import CostLimitExceeded, EvaluationError

CASES = [
    ("self.a", {"a": 1}, 2),
    ("self.a == 1", {"a": 1}, 3),
    ("self.contains('aa')", "a" * 100, 11),
    ("self.startsWith('a')", "a" * 100, 11),
    ("self.matches('aaaa')", "a" * 99, 11),
    ("self == self", "a" * 100, 12),
    ("1 in self", list(range(50)), 51),
    ("self.sum() == 0", [0] * 50, 52),
    ("has(self.a)", {}, 1),
    ("[1, 2]", None, 10),
    ("{'a': 1}", None, 30),
]


@pytest.mark.parametrize(("expression", "value", "cost"), CASES)
def test_an_evaluation_costs_what_kubernetes_counts(expression: str, value: object, cost: int) -> None:
    budget = Budget()
    environment().compile(expression).evaluate({"self": value}, budget)
    assert TOTAL_LIMIT - budget.remaining == cost


def test_an_evaluation_that_fails_is_charged_too() -> None:
    budget = Budget()
    with pytest.raises(EvaluationError):
        environment().compile("self.map(x, x * 2)[9] == 1").evaluate({"self": [1, 2, 3]}, budget)
    assert TOTAL_LIMIT - budget.remaining > 30


def test_an_evaluation_may_cost_no_more_than_is_left() -> None:
    budget = Budget(100)
    with pytest.raises(CostLimitExceeded):
        environment().compile("self.all(x, x > 0)").evaluate({"self": [1] * 100}, budget)
    assert budget.remaining < 0
