from __future__ import annotations

import pytest
from podlab_testing.expressions import Case, value_of

CASES: list[Case] = [
    ("format.dns1123Label().validate('my-name').hasValue()", False),
    ("format.dns1123Label().validate('My-name').hasValue()", True),
    ("format.dns1123LabelPrefix().validate('my-name-').hasValue()", False),
    ("format.dns1123Subdomain().validate('a.b').hasValue()", False),
    ("format.qualifiedName().validate('a.b/c').hasValue()", False),
    ("format.labelValue().validate('a b').hasValue()", True),
    ("format.uri().validate('https://a/b').hasValue()", False),
    ("format.uuid().validate('x').value()", ["does not match the UUID format"]),
    ("format.byte().validate('!').value()", ["invalid base64"]),
    ("format.date().validate('2024-02-30').value()", ["invalid date"]),
    ("format.datetime().validate('2024-02-03T00:00:00Z').hasValue()", False),
    ("format.named('dns1035Label').value().validate('1a').hasValue()", True),
    ("format.named('unknown').hasValue()", False),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_an_expression_has_its_value(expression: str, expected: object) -> None:
    assert value_of(expression) == expected
