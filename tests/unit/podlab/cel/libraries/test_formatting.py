from __future__ import annotations

import pytest
from podlab_testing.expressions import Case, value_of

CASES: list[Case] = [
    ("'%s is %d'.format(['a', 1])", "a is 1"),
    ("'%s'.format([[1, 'a', null]])", "[1, a, null]"),
    ("'%s'.format([{'b': 1, 'a': 2.5}])", "{a: 2.5, b: 1}"),
    ("'%s'.format([duration('90m')])", "5400s"),
    ("'%s'.format([timestamp('2024-01-02T03:04:05.5Z')])", "2024-01-02T03:04:05.5Z"),
    ("'%.2f'.format([1.005])", "1.00"),
    ("'%f'.format([2.5])", "2.500000"),
    ("'%e'.format([1234.5])", "1.234500e+03"),
    ("'%b %b'.format([5, true])", "101 1"),
    ("'%x %X %o'.format([255, 255, 8])", "ff FF 10"),
    ("'%x'.format(['hi'])", "6869"),
    ("'100%%'.format([])", "100%"),
    ("'%s'.format([])", "error: index 0 out of range"),
    (
        "'%d'.format(['a'])",
        "error: error during formatting: decimal clause can only be used on integers, was given string",
    ),
    ("'%y'.format([1])", 'error: could not parse formatting clause: unrecognized formatting clause "y"'),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_an_expression_has_its_value(expression: str, expected: object) -> None:
    assert value_of(expression) == expected
