from __future__ import annotations

import pytest
from podlab_testing.expressions import Case, value_of

CASES: list[Case] = [
    ("1 == dyn(1.0) && 1u == dyn(1) && 1 != 2", True),
    ("dyn(true) == 1", False),
    ("dyn('1') == 1", False),
    ("[1, 2] == dyn([1.0, 2.0])", True),
    ("{'a': [1]} == {'a': [1]}", True),
    ("null == null", True),
    ("1 < 1.5 && 2u > 1 && 'a' < 'b' && false < true", True),
    ("dyn('a') < 1", "error: no such overload"),
    ("timestamp('2024-01-01T00:00:00Z') < timestamp('2024-01-01T00:00:01Z')", True),
    ("timestamp('2024-01-01T00:00:10Z') - timestamp('2024-01-01T00:00:00Z') == duration('10s')", True),
    ("timestamp('2024-01-01T00:00:00Z') + duration('1h') == timestamp('2024-01-01T01:00:00Z')", True),
    ("timestamp('9999-12-31T23:59:59Z') + duration('1h')", "error: timestamp overflow"),
    ("9223372036854775807 + 1", "error: integer overflow"),
    ("-9223372036854775808 - 1", "error: integer overflow"),
    ("9223372036854775807 * 2", "error: integer overflow"),
    ("0u - 1u", "error: unsigned integer overflow"),
    ("7 / 2 + -7 / 2", 0),
    ("-7 % 3", -1),
    ("1 / 0", "error: division by zero"),
    ("1 % 0", "error: modulus by zero"),
    ("1.0 / 0.0 > 1.0", True),
    ("'a' + 'b'", "ab"),
    ("[1] + [2]", [1, 2]),
    ("b'a' + b'b'", b"ab"),
    ("2 in [1, 2.0]", True),
    ("'a' in {'a': 1}", True),
    ("{'a': 1}['b']", "error: no such key: b"),
    ("[1][1]", "error: index out of bounds: 1"),
    ("dyn([1])['a']", "error: invalid_argument"),
    ("[1, 2][dyn(1.0)]", 2),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_an_expression_has_its_value(expression: str, expected: object) -> None:
    assert value_of(expression) == expected
