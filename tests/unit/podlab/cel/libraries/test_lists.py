from __future__ import annotations

import pytest
from podlab_testing.expressions import Case, value_of

CASES: list[Case] = [
    ("[1, 2, 2].isSorted()", True),
    ("['b', 'a'].isSorted()", False),
    ("[1, 2, 3].sum()", 6),
    ("[1.5, 2.5].sum()", 4.0),
    ("[duration('1m'), duration('30s')].sum() == duration('90s')", True),
    ("[3, 1, 2].min()", 1),
    ("['b', 'c'].max()", "c"),
    ("self == null ? 0 : 1", 0),
    ("[1, 2, 1].indexOf(1)", 0),
    ("[1, 2, 1].lastIndexOf(1)", 2),
    ("[1, 2].indexOf(3)", -1),
    ("[[1], [2]].indexOf([2])", 1),
    ("[1, 2].first().value()", 1),
    ("[1, 2].last().value()", 2),
    ("sets.contains([1, 2], [2])", True),
    ("sets.contains([1], [2])", False),
    ("sets.equivalent([1, 2], [2, 1, 1])", True),
    ("sets.intersects([1, 2], [2, 3])", True),
    ("sets.intersects([1], [])", False),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_an_expression_has_its_value(expression: str, expected: object) -> None:
    assert value_of(expression) == expected
