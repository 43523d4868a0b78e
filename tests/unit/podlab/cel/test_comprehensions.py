from __future__ import annotations

import pytest
from podlab_testing.expressions import Case, environment, value_of

from podlab.cel.frame import Budget
from podlab.cel.values import CostLimitExceeded

CASES: list[Case] = [
    ("[1, 2, 3].all(x, x > 0)", True),
    ("[].all(x, x > 0)", True),
    ("[1, 2, 3].exists(x, x > 2)", True),
    ("[1, 2, 3].exists_one(x, x > 2)", True),
    ("[1, 2, 3].exists_one(x, x > 1)", False),
    ("[1, 2, 3].map(x, x * 2)", [2, 4, 6]),
    ("[1, 2, 3].map(x, x > 1, x * 2)", [4, 6]),
    ("[1, 2, 3].filter(x, x > 1)", [2, 3]),
    ("{'a': 1, 'b': 2}.all(k, k in ['a', 'b'])", True),
    ("{'a': 1, 'b': 2}.map(k, k)", ["a", "b"]),
    ("{'a': 1, 'b': 2}.all(k, v, v > 0 && k != 'c')", True),
    ("[5, 6].all(i, v, v == i + 5)", True),
    ("[5, 6].exists(i, v, i == 1 && v == 6)", True),
    ("[5, 6].existsOne(i, v, v > 4)", False),
    ("[5, 6].transformList(i, v, i * v)", [0, 6]),
    ("[5, 6].transformList(i, v, v > 5, i)", [1]),
    ("{'a': 1}.transformMap(k, v, v + 1)", {"a": 2}),
    ("{'a': 1, 'b': 2}.transformMap(k, v, v > 1, k)", {"b": "b"}),
    ("{'a': 'b'}.transformMapEntry(k, v, {v: k})", {"b": "a"}),
    ("['a', 'a'].transformMapEntry(i, v, {v: i})", "error: insert failed: key a already exists"),
    ("[1, 2].map(x, [3, 4].map(y, x * y))", [[3, 4], [6, 8]]),
    ("[0, 1].all(x, 1 / x > 0)", "error: division by zero"),
    ("[0, -1].all(x, 1 / x > 0)", False),
    ("[0, 1].exists(x, 1 / x > 0)", True),
    ("[0, -1].exists(x, 1 / x > 0)", "error: division by zero"),
    ("[0, 1].map(x, 1 / x)", "error: division by zero"),
    ("[0, 1].exists_one(x, 1 / x > 0)", "error: division by zero"),
    ("dyn(1).all(x, x)", "error: no such overload"),
    ("dyn([1]).all(x, x)", "error: no such overload"),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_an_expression_has_its_value(expression: str, expected: object) -> None:
    assert value_of(expression) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "self.all(a, self.all(b, self.all(c, a + b + c >= 0)))",
        "self.map(a, self.map(b, self.map(c, a))).size() > 0",
        "self.all(a, self.filter(b, self.exists(c, c < 0)).size() == 0)",
        "self.all(a, self.all(b, self.map(c, string(c)).join(' ').matches('^[0-9 ]*$')))",
    ],
)
def test_loops_within_loops_end_at_the_limit(expression: str) -> None:
    with pytest.raises(CostLimitExceeded):
        environment().compile(expression).evaluate({"self": list(range(300))}, Budget())
