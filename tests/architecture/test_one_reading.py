"""What security depends on is read in one place: two readers of one thing are two opinions on who somebody is."""

from __future__ import annotations

import pytest
from podlab_testing.source_code import PROJECT

# What reads it, and the only file that may.
READERS = [
    ("get_attributes_for_oid", "podlab/subject.py"),
    ("NameOID", "podlab/subject.py"),
    ("rfc4514_string", "podlab/subject.py"),
    ("Impersonate-User", "master/apiserver/filters/impersonation.py"),
    ('"Authorization"', "master/apiserver/rest/api.py"),
    ("raw_path", "master/apiserver/request/paths.py"),
]


@pytest.mark.parametrize(("reading", "home"), READERS)
def test_it_is_read_in_one_place(reading: str, home: str) -> None:
    sources = (
        path for folder in ("podlab", "master", "node", "playbooks") for path in (PROJECT / folder).rglob("*.py")
    )
    found = {str(path.relative_to(PROJECT)) for path in sources if reading in path.read_text()}
    assert found <= {home}
