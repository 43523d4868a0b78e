"""What tokens say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from master.apiserver.authentication import claims as module
from master.apiserver.authentication.claims import Claims, Reference
from master.apiserver.authentication.jwt import InvalidToken


def test_claims_survive_the_way_through_a_token(claims: Claims) -> None:
    bound = replace(claims, pod=Reference("web", "p1"), node=Reference("n1", ""), warn_after=5)
    for each in (claims, bound, replace(claims, secret=Reference("s", "s1"))):
        assert module.parse(each.to_data(), each.issuer, each.issued_at) == each


def test_they_are_kubernetes_own(claims: Claims) -> None:
    told = replace(claims, pod=Reference("web", "p1"), warn_after=7).to_data()
    assert told == {
        "aud": ["https://kubernetes.default.svc.cluster.local"],
        "exp": 1_003_600,
        "iat": 1_000_000,
        "iss": "https://kubernetes.default.svc.cluster.local",
        "jti": "j1",
        "kubernetes.io": {
            "namespace": "team",
            "pod": {"name": "web", "uid": "p1"},
            "serviceaccount": {"name": "builder", "uid": "u1"},
            "warnafter": 7,
        },
        "nbf": 1_000_000,
        "sub": "system:serviceaccount:team:builder",
    }


def test_a_token_speaks_for_its_service_account(claims: Claims) -> None:
    user = replace(claims, pod=Reference("web", "p1"), node=Reference("n1", "")).user()
    assert user.name == "system:serviceaccount:team:builder"
    assert user.uid == "u1"
    assert user.groups == {"system:serviceaccounts", "system:serviceaccounts:team", "system:authenticated"}
    assert dict(user.extra) == {
        "authentication.kubernetes.io/credential-id": ("JTI=j1",),
        "authentication.kubernetes.io/pod-name": ("web",),
        "authentication.kubernetes.io/pod-uid": ("p1",),
        "authentication.kubernetes.io/node-name": ("n1",),
    }


@pytest.mark.parametrize(
    ("change", "after_s", "why"),
    [
        ({"iss": "https://elsewhere"}, 0, "issuer"),
        ({"sub": "system:serviceaccount:team:other"}, 0, "names no service account"),
        ({"kubernetes.io": None}, 0, "issuer"),
        ({"kubernetes.io": {"namespace": "team"}}, 0, "names no service account"),
        ({"aud": "one"}, 0, "audiences"),
        ({"exp": "soon"}, 0, "claim exp"),
        ({"exp": True}, 0, "claim exp"),
        ({}, 3600, "expired"),
        ({}, -61, "not good yet"),
        ({}, 3599, ""),
        ({}, -60, ""),
    ],
)
def test_what_a_token_must_say(claims: Claims, change: dict[str, Any], after_s: int, why: str) -> None:
    data, now = {**claims.to_data(), **change}, claims.issued_at + after_s
    if not why:
        assert module.parse(data, claims.issuer, now) == claims
        return
    with pytest.raises(InvalidToken, match=why):
        module.parse(data, claims.issuer, now)
