from __future__ import annotations

import pytest
from podlab_testing.expressions import Case, value_of

CASES: list[Case] = [
    ("url('https://example.com:80/a%20b?k=1&k=2').getScheme()", "https"),
    ("url('https://example.com:80/').getHost()", "example.com:80"),
    ("url('https://[::1]:80/').getHostname()", "::1"),
    ("url('https://example.com:80/').getPort()", "80"),
    ("url('https://example.com/').getPort()", ""),
    ("url('https://example.com/a%20b').getEscapedPath()", "/a%20b"),
    ("url('https://example.com/?k=1&k=2&l=').getQuery()", {"k": ["1", "2"], "l": [""]}),
    ("url('/path/only').getHost()", ""),
    ("isURL('https://user:pass@example.com/')", True),
    ("isURL('../relative')", False),
    ("isURL('https://a/%zz')", False),
    ("isURL('a b')", False),
    ("url('/ä').getEscapedPath()", "/%C3%A4"),
    ("url('/?a=%20+b').getQuery()", {"a": ["  b"]}),
    ("isURL('https://a:b:c/')", False),
    ("url('https://a/') == url('https://a/')", True),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_an_expression_has_its_value(expression: str, expected: object) -> None:
    assert value_of(expression) == expected
