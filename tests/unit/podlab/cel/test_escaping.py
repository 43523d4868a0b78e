from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.cel.escaping import escape, unescape

CASES = [
    ("namespace", "__namespace__"),
    ("if", "__if__"),
    ("self", "self"),
    ("int", "int"),
    ("x-prop", "x__dash__prop"),
    ("example.com/a", "example__dot__com__slash__a"),
    ("redact__d", "redact__underscores__d"),
    ("_a", "_a"),
    ("1a", None),
    ("a b", None),
    ("ä", None),
    ("", None),
]


@pytest.mark.parametrize(("name", "written"), CASES)
def test_a_property_is_written_so(name: str, written: str | None) -> None:
    assert escape(name) == written


@given(st.text(alphabet="ab_./-1", max_size=12) | st.sampled_from(["in", "true", "__in__", "__dot__"]))
def test_a_written_property_is_read_as_the_same(name: str) -> None:
    written = escape(name)
    assert written is None or unescape(written) == name
