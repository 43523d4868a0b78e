"""Which requests are approved, which are signed, and when they go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from podlab_testing.certificates import CLIENT, pkcs10, request

from master.controllers.security.certificates import decide, requestednames

API, KUBELET, SERVING = "kube-apiserver-client", "kube-apiserver-client-kubelet", "kubelet-serving"
NODE, NODES = "system:node:n1", "system:nodes"
SERVER = ("server auth", "digital signature")
SIGNED = [
    (API, pkcs10("jane", "devs"), CLIENT, ""),
    (API, pkcs10("jane"), (*CLIENT, "key encipherment"), ""),
    (API, pkcs10("jane"), ("digital signature",), "usages did not match"),
    (API, pkcs10("jane"), (*CLIENT, "server auth"), "usages did not match"),
    (API, pkcs10("jane", "system:masters"), CLIENT, "no certificate is signed for the group system:masters"),
    (KUBELET, pkcs10(NODE, NODES), CLIENT, ""),
    (KUBELET, pkcs10(NODE, NODES, "devs"), CLIENT, "subject organization is not system:nodes"),
    (KUBELET, pkcs10("jane", NODES), CLIENT, "subject common name does not begin with system:node:"),
    (KUBELET, pkcs10(NODE, NODES, hosts=["n1"]), CLIENT, "DNS and IP subjectAltNames are not allowed"),
    (SERVING, pkcs10(NODE, NODES, hosts=["n1", "10.0.0.7"]), SERVER, ""),
    (SERVING, pkcs10(NODE, NODES), SERVER, "DNS or IP subjectAltName is required"),
    (
        SERVING,
        pkcs10(NODE, NODES, hosts=["n1"], email="a@b.c"),
        SERVER,
        "URI and email subjectAltNames",
    ),
    (SERVING, pkcs10("system:node:n2", NODES, hosts=["n2"]), SERVER, "system:node:n1 may not serve as system:node:n2"),
    (SERVING, pkcs10(NODE, NODES, hosts=["n1"]), CLIENT, "usages did not match"),
]


@pytest.mark.parametrize(("signer", "content", "usages", "why"), SIGNED)
def test_a_signer_keeps_its_rules(signer: str, content: bytes, usages: Sequence[str], why: str) -> None:
    given = request(content, signer, "Approved", usages=usages, by=NODE, groups=[NODES])
    told = decide.refusal(given, requestednames.parse(content))
    assert why in told
    assert bool(why) == bool(told)


APPROVALS = [
    ("a node renews its own", KUBELET, NODE, [NODES], True),
    ("another node's", KUBELET, "system:node:n2", [NODES], False),
    ("a user of a node's name", KUBELET, NODE, ["devs"], False),
    ("with the bootstrap token", KUBELET, "system:bootstrap:podlab", ["system:bootstrappers"], False),
    ("any other signer", API, NODE, [NODES], False),
]


@pytest.mark.parametrize(
    ("signer", "by", "groups", "approved"), [one[1:] for one in APPROVALS], ids=[one[0] for one in APPROVALS]
)
def test_only_a_node_is_approved_without_a_person_and_only_for_itself(
    signer: str, by: str, groups: list[str], approved: bool
) -> None:
    content = pkcs10(NODE, NODES)
    given = request(content, signer, by=by, groups=groups)
    assert bool(decide.approval(given, requestednames.parse(content))) is approved


@pytest.mark.parametrize(
    ("decisions", "signer", "certificate", "expected"),
    [
        (("Approved",), API, b"", True),
        ((), API, b"", False),
        (("Denied",), API, b"", False),
        (("Approved", "Failed"), API, b"", False),
        (("Approved",), API, b"signed", False),
        (("Approved",), "legacy-unknown", b"", False),
    ],
)
def test_what_is_approved_is_signed_once(
    decisions: tuple[str, ...], signer: str, certificate: bytes, expected: bool
) -> None:
    given = request(b"", signer, *decisions)
    given.status.certificate = certificate
    assert decide.is_to_sign(given) is expected


CREATED, HOUR, DAY = 1_000_000, 3600, 86400
GOES: list[tuple[str, Any, float | None, float]] = [
    ("undecided", request(b"", API), None, CREATED + DAY),
    ("denied", request(b"", API, "Denied"), None, CREATED + HOUR),
    ("failed", request(b"", API, "Approved", "Failed"), None, CREATED + HOUR),
    ("signed", request(b"", API, "Approved"), CREATED + DAY, CREATED + HOUR),
    ("its certificate ended", request(b"", API, "Approved"), CREATED + 60.0, CREATED + 60),
    ("another signer's", request(b"", "theirs", "Approved"), None, CREATED + DAY),
]


@pytest.mark.parametrize(("given", "ends", "at"), [one[1:] for one in GOES], ids=[one[0] for one in GOES])
def test_a_request_goes_when_it_has_been_there_for_long_enough(given: Any, ends: float | None, at: float) -> None:
    assert decide.goes_at(given, ends) == at


@pytest.mark.parametrize(("wanted", "expected"), [(None, 31_536_000), (3600, 3600), (10**9, 31_536_000)])
def test_a_certificate_is_good_for_as_long_as_asked_and_a_year_at_most(wanted: int | None, expected: int) -> None:
    given = request(b"", API)
    if wanted is not None:
        given.spec.expirationSeconds = wanted
    assert decide.lifetime_s(given) == expected
