from __future__ import annotations

import pytest
from podlab_testing.expressions import Case, value_of

CASES: list[Case] = [
    ("semver('1.2.3').major()", 1),
    ("semver('1.2.3').minor()", 2),
    ("semver('1.2.3-rc.1+x').patch()", 3),
    ("semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))", True),
    ("semver('1.0.0-rc.10').isGreaterThan(semver('1.0.0-rc.9'))", True),
    ("semver('1.0.0-alpha').isGreaterThan(semver('1.0.0-1'))", True),
    ("semver('1.0.0+a') == semver('1.0.0+b')", True),
    ("semver('1.2.3').compareTo(semver('1.10.0'))", -1),
    ("isSemver('v1.0.0')", False),
    ("isSemver('v1.0', true)", True),
    ("semver('v01.02', true).minor()", 2),
    ("isSemver('1.0.0-01')", False),
    ("semver('x')", 'error: Semver parse error during conversion from string: invalid version "x"'),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_an_expression_has_its_value(expression: str, expected: object) -> None:
    assert value_of(expression) == expected
