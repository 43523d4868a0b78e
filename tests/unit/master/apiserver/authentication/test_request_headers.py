"""Who is named in headers, and by whom."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing.cluster import Authority

from master.apiserver.authentication.request_headers import FrontProxy, is_about_users, named, telling
from master.apiserver.authentication.user import AUTHENTICATED, User
from podlab.errors import Unauthorized

JANE = [("X-Remote-User", "jane"), ("x-remote-group", "devs"), ("X-Remote-Group", "ops"), ("X-Remote-Uid", "7")]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


def der(path: Path) -> bytes:
    return x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)


def front_proxy(authority: Authority, *names: str) -> FrontProxy:
    return FrontProxy(authority.front_proxy().ca.read_bytes(), names)


def test_headers_name_a_user_with_groups_a_uid_and_more() -> None:
    found = named([*JANE, ("X-Remote-Extra-Acme.com%2fProject", "a"), ("X-Remote-Extra-acme.com%2Fproject", "b")])
    assert found == User("jane", frozenset({"devs", "ops", AUTHENTICATED}), "7", {"acme.com/project": ("a", "b")})
    assert found.extra == {"acme.com/project": ("a", "b")}


def test_whoever_is_anonymous_is_not_authenticated() -> None:
    found = named([("X-Remote-User", "system:anonymous"), ("X-Remote-Group", "system:unauthenticated")])
    assert found == User("system:anonymous", frozenset({"system:unauthenticated"}))


def test_headers_without_a_user_name_nobody() -> None:
    assert named([("X-Remote-Group", "system:masters"), ("X-Remote-User", "")]) is None


TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
KEYS = st.text("abcdefghij0123456789./-_%", min_size=1)


@given(TEXT, st.frozensets(TEXT), st.text("0123456789"), st.dictionaries(KEYS, st.lists(TEXT, min_size=1).map(tuple)))
def test_what_is_told_of_a_user_is_what_is_heard(
    name: str, groups: frozenset[str], uid: str, extra: dict[str, tuple[str, ...]]
) -> None:
    told = User(name, groups | {AUTHENTICATED}, uid, extra)
    headers = list(telling(told))
    assert all(is_about_users(header) for header, _ in headers)
    heard = named(headers)
    assert (heard, heard and heard.extra) == (told, extra)


def test_a_certificate_of_the_authority_with_an_allowed_name_is_believed(authority: Authority) -> None:
    shown = der(authority.front_proxy().cert)
    for proxy in (front_proxy(authority, "front-proxy-client"), front_proxy(authority)):
        assert proxy.is_shown(shown)
        found = proxy.user(shown, JANE)
        assert found is not None
        assert found.name == "jane"
        assert proxy.user(shown, []) is None


def test_another_name_and_another_authority_are_not(authority: Authority) -> None:
    with pytest.raises(Unauthorized):
        front_proxy(authority, "another").user(der(authority.front_proxy().cert), JANE)
    admin = der(authority.tls().cert)
    assert not front_proxy(authority).is_shown(admin)
    with pytest.raises(Unauthorized):
        front_proxy(authority).user(admin, JANE)
