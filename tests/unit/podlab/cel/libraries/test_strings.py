from __future__ import annotations

import pytest
from podlab_testing.expressions import Case, value_of

CASES: list[Case] = [
    ("'abc'.charAt(1)", "b"),
    ("'abc'.charAt(3)", ""),
    ("'abc'.charAt(4)", "error: index out of range: 4"),
    ("'abcabc'.indexOf('c')", 2),
    ("'abcabc'.indexOf('c', 3)", 5),
    ("'abcabc'.indexOf('x')", -1),
    ("'abcabc'.lastIndexOf('a')", 3),
    ("'abcabc'.lastIndexOf('a', 2)", 0),
    ("['a', 'b'].join()", "ab"),
    ("['a', 'b'].join('-')", "a-b"),
    ("dyn([1]).join('-')", "error: join: invalid input: list elements must be strings"),
    ("'aÄb'.lowerAscii()", "aÄb"),
    ("'ABc'.lowerAscii()", "abc"),
    ("'aäb'.upperAscii()", "AäB"),
    ("'aaa'.replace('a', 'b')", "bbb"),
    ("'aaa'.replace('a', 'b', 2)", "bba"),
    ("'a,b,c'.split(',')", ["a", "b", "c"]),
    ("'a,b,c'.split(',', 2)", ["a", "b,c"]),
    ("'a,b'.split(',', 0)", []),
    ("'abc'.split('', 2)", ["a", "bc"]),
    ("'abc'.substring(1)", "bc"),
    ("'abc'.substring(1, 2)", "b"),
    ("'abc'.substring(2, 1)", "error: invalid substring range. start: 2, end: 1"),
    ("'  a '.trim()", "a"),
    ("'a1b22'.find('[0-9]+')", "1"),
    ("'abc'.find('[0-9]+')", ""),
    ("'a1b22'.findAll('[0-9]+')", ["1", "22"]),
    ("'a1b22'.findAll('[0-9]+', 1)", ["1"]),
    ("strings.quote('a\\nb')", '"a\\nb"'),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_an_expression_has_its_value(expression: str, expected: object) -> None:
    assert value_of(expression) == expected
