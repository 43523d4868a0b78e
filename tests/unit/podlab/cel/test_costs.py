from __future__ import annotations

import pytest
from podlab_testing.expressions import environment

from podlab.cel.environments import PER_CALL_LIMIT

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
    assert environment().compile(expression).evaluate({"self": value}, PER_CALL_LIMIT).cost == cost
