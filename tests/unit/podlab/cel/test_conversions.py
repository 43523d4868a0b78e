from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing.expressions import Case, value_of

from podlab.cel.conversions import format_double

CASES: list[Case] = [
    ("int('-12') + int(1.9) + int(3u)", -8),
    ("int(timestamp('1970-01-01T00:01:00Z'))", 60),
    ("int('x')", 'error: strconv.ParseInt: parsing "x": invalid syntax'),
    ("int(1e30)", "error: integer overflow"),
    ("int(0.0 / 0.0)", "error: integer overflow"),
    ("uint(-1)", "error: unsigned integer overflow"),
    ("double('1.5') + double(1)", 2.5),
    ("double('one')", 'error: strconv.ParseFloat: parsing "one": invalid syntax'),
    ("bool('true') && bool('1') && !bool('F')", True),
    ("bool('yes')", 'error: strconv.ParseBool: parsing "yes": invalid syntax'),
    ("string(1) + string(true) + string(2.0) + string(b'x')", "1true2x"),
    ("string(1e21)", "1e+21"),
    ("string(0.00001)", "1e-05"),
    ("string(123456.5)", "123456.5"),
    ("string(duration('1h1.5s'))", "3601.5s"),
    ("string(timestamp('2024-01-02T03:04:05+01:00'))", "2024-01-02T02:04:05Z"),
    (r"string(b'\xff')", "error: invalid UTF-8 in bytes, cannot convert to string"),
    ("bytes('ä')", "ä".encode()),
    ("timestamp(0) == timestamp('1970-01-01T00:00:00Z')", True),
    ("timestamp(dyn('2024-13-01T00:00:00Z'))", 'error: invalid timestamp "2024-13-01T00:00:00Z"'),
    ("duration('-1.5h') == duration('-90m')", True),
    ("duration(dyn('1x'))", 'error: invalid duration "1x"'),
    ("dyn([1]).size() == int('1')", True),
    ("string(dyn({}))", "error: no such overload"),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_an_expression_has_its_value(expression: str, expected: object) -> None:
    assert value_of(expression) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_that_was_written_is_read_as_the_same(value: float) -> None:
    assert float(format_double(value)) == value
