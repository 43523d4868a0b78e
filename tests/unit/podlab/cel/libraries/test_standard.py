from __future__ import annotations

import pytest
from podlab_testing.expressions import Case, value_of

CASES: list[Case] = [
    ("size('äb') + size([1]) + size({'a': 1})", 4),
    ("[1, 2].size()", 2),
    ("'hello'.startsWith('he') && 'hello'.endsWith('lo') && 'hello'.contains('ell')", True),
    ("'aab'.matches('^a+b$')", True),
    ("matches('ab', 'c')", False),
    ("type(1) == int && type('') == string && type([]) == list && type(null) == null_type", True),
    ("type(1u) == uint && type(1.0) == double && type(b'') == bytes && type({}) == map && type(int) == type", True),
    ("timestamp('2024-03-01T12:30:15.25Z').getFullYear()", 2024),
    ("timestamp('2024-03-01T12:30:15.25Z').getMonth()", 2),
    ("timestamp('2024-03-01T12:30:15.25Z').getDayOfWeek()", 5),
    ("timestamp('2024-03-01T12:30:15.25Z').getDayOfYear()", 60),
    ("timestamp('2024-03-01T12:30:15.25Z').getHours('+02:00')", 14),
    ("timestamp('2024-03-01T12:30:15.25Z').getHours('America/New_York')", 7),
    ("timestamp('2024-03-01T12:30:15.25Z').getMilliseconds()", 250),
    ("duration('90m').getHours()", 1),
    ("duration('1.5s').getMilliseconds()", 500),
    ("optional.of(1).value()", 1),
    ("optional.none().hasValue()", False),
    ("optional.none().value()", "error: optional.none() dereference"),
    ("optional.ofNonZeroValue('').hasValue()", False),
    ("optional.ofNonZeroValue(0).orValue(3)", 3),
    ("optional.none().or(optional.of(2)).value()", 2),
    ("optional.of(2).optMap(x, x * 2).value()", 4),
    ("optional.of(2).optFlatMap(x, optional.none()).hasValue()", False),
    ("{'a': {'b': 1}}.?a.?b.orValue(0)", 1),
    ("{'a': {'b': 1}}.?x.b.orValue(0)", 0),
    ("[1, 2][?5].orValue(7)", 7),
    ("[?optional.none(), 2]", [2]),
    ("{?'a': optional.none(), ?'b': optional.of(1)}", {"b": 1}),
    ("has({'a': 1}.a) && !has({'a': 1}.b)", True),
    ("cel.bind(x, 'a', x + x)", "aa"),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_an_expression_has_its_value(expression: str, expected: object) -> None:
    assert value_of(expression) == expected
