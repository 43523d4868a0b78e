"""What a proxied request's URL says of its server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.apiserver.rest.proxy import names
from master.apiserver.rest.proxy.names import Named
from podlab.errors import BadRequest


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("web", Named("http", "web", "")),
        ("web:80", Named("http", "web", "80")),
        ("web:", Named("http", "web", "")),
        ("https:web:", Named("https", "web", "")),
        ("https:web:admin", Named("https", "web", "admin")),
        (":web:80", Named("http", "web", "80")),
    ],
)
def test_a_name_has_a_scheme_and_a_port(text: str, wanted: Named) -> None:
    assert names.split("service", text) == wanted


@pytest.mark.parametrize("text", ["", ":80", "ftp:web:21", "http::80", "a:b:c:d"])
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match=f'^invalid service request "{text}"$'):
        names.split("service", text)


@pytest.mark.parametrize(
    ("prefix", "path", "wanted"),
    [
        ("", "", "/"),
        ("", "/", "/"),
        ("", "/a/b", "/a/b"),
        ("", "/a/", "/a/"),
        ("", "/a//b/./c", "/a/b/c"),
        ("/p", "/../../etc", "/p/etc"),
        ("/p", "", "/p"),
        ("/p", "/", "/p/"),
        ("/p/", "/a", "/p/a"),
    ],
)
def test_a_path_stays_below_its_prefix(prefix: str, path: str, wanted: str) -> None:
    assert names.joined(prefix, path) == wanted


@given(st.text(alphabet="./ab", max_size=30))
def test_no_path_leads_out(path: str) -> None:
    made = names.joined("/p", path)
    assert made.startswith("/p")
    assert ".." not in made.split("/")


def test_a_path_is_escaped_as_a_request_line_needs_it() -> None:
    assert names.escaped("/a b/ü?#%") == "/a%20b/%C3%BC%3F%23%25"
