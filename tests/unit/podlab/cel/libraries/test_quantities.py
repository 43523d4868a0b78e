from __future__ import annotations

import pytest
from podlab_testing.expressions import Case, value_of

CASES: list[Case] = [
    ("quantity('500m').isLessThan(quantity('1'))", True),
    ("quantity('1Gi').isGreaterThan(quantity('1G'))", True),
    ("quantity('1k').compareTo(quantity('1000'))", 0),
    ("quantity('1k') == quantity('1000')", True),
    ("quantity('50k').add(quantity('20k')) == quantity('70k')", True),
    ("quantity('50k').sub(50000).sign()", 0),
    ("quantity('1.5').isInteger()", False),
    ("quantity('2k').asInteger()", 2000),
    ("quantity('1.5').asInteger()", "error: cannot convert value to integer"),
    ("quantity('1500m').asApproximateFloat()", 1.5),
    ("isQuantity('1.3Gi')", True),
    ("isQuantity('1.3GiB')", False),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_an_expression_has_its_value(expression: str, expected: object) -> None:
    assert value_of(expression) == expected
