from __future__ import annotations

import pytest

from master.apiserver.authentication.user import User
from master.apiserver.filters.impersonation import acting
from podlab.errors import BadRequest

ADMIN = User("admin", frozenset({"system:masters"}))


def asked(*headers: tuple[str, str]) -> list[str]:
    return [
        f"{one.group}:{one.combined} {one.namespace}/{one.name}".replace("/ ", " ")
        for one in acting(ADMIN, headers).wanted
    ]


def test_without_headers_everybody_is_himself() -> None:
    found = acting(ADMIN, [("User-Agent", "x")])
    assert (found.user, found.impersonator, found.wanted) == (ADMIN, None, ())


def test_a_user_with_groups_uid_and_extra() -> None:
    headers = [
        ("Impersonate-User", "jane"),
        ("Impersonate-Group", "dev"),
        ("impersonate-group", "ops"),
        ("Impersonate-Uid", "u-1"),
        ("Impersonate-Extra-Scopes", "read"),
        ("Impersonate-Extra-Scopes", "write"),
        ("Impersonate-Extra-acme.com%2Fproject", "web"),
    ]
    found = acting(ADMIN, headers)
    assert found.impersonator is ADMIN
    assert (found.user.name, found.user.uid) == ("jane", "u-1")
    assert found.user.groups == {"dev", "ops", "system:authenticated"}
    assert dict(found.user.extra) == {"scopes": ("read", "write"), "acme.com/project": ("web",)}
    assert {one.verb for one in found.wanted} == {"impersonate"}
    assert asked(*headers) == [
        ":users /jane",
        ":groups /dev",
        ":groups /ops",
        "authentication.k8s.io:userextras/scopes /read",
        "authentication.k8s.io:userextras/scopes /write",
        "authentication.k8s.io:userextras/acme.com/project /web",
        "authentication.k8s.io:uids /u-1",
    ]


def test_a_service_account_has_its_groups() -> None:
    name = "system:serviceaccount:team:robot"
    found = acting(ADMIN, [("Impersonate-User", name)])
    assert found.user.groups == {
        "system:serviceaccounts",
        "system:serviceaccounts:team",
        "system:authenticated",
    }
    assert asked(("Impersonate-User", name)) == [":serviceaccounts team/robot"]
    assert acting(ADMIN, [("Impersonate-User", name), ("Impersonate-Group", "g")]).user.groups == {
        "g",
        "system:authenticated",
    }
    assert asked(("Impersonate-User", "system:serviceaccount:no")) == [":users /system:serviceaccount:no"]


def test_the_anonymous_user_is_not_authenticated() -> None:
    found = acting(ADMIN, [("Impersonate-User", "system:anonymous")])
    assert found.user.groups == {"system:unauthenticated"}


@pytest.mark.parametrize("header", ["Impersonate-Group", "Impersonate-Uid", "Impersonate-Extra-a"])
def test_groups_of_nobody_are_refused(header: str) -> None:
    with pytest.raises(BadRequest, match="without impersonating a user"):
        acting(ADMIN, [(header, "x")])
