"""Requests for certificates: who made them, who may decide about them, and what can never be undone."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KIND = "certificatesigningrequests"
CSRS = f"/apis/certificates.k8s.io/v1/{KIND}"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
CLIENTS = "kubernetes.io/kube-apiserver-client"


def pem(*groups: str) -> str:
    """A request of jane's, in base64."""
    names = [x509.NameAttribute(NameOID.COMMON_NAME, "jane")]
    names += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).sign(key, hashes.SHA256())
    return base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()


def body(**spec: Any) -> dict[str, Any]:
    wanted = {"request": pem(), "signerName": CLIENTS, "usages": ["client auth"], **spec}
    return {"kind": "CertificateSigningRequest", "metadata": {"name": "jane"}, "spec": wanted}


async def sent(http: aiohttp.ClientSession, method: str, path: str, data: Any, status: int = 200) -> dict[str, Any]:
    async with http.request(method, path, json=data) as response:
        found: dict[str, Any] = await response.json()
        assert response.status == status, found
        return found


def decide(found: dict[str, Any], *decisions: str) -> dict[str, Any]:
    conditions = [{"type": one, "status": "True", "reason": "Test"} for one in decisions]
    return {**found, "status": {**found.get("status", {}), "conditions": conditions}}


async def test_a_request_says_who_made_it_whatever_it_claims(http: aiohttp.ClientSession) -> None:
    made = await sent(http, "POST", CSRS, body(username="somebody", groups=["system:masters", "x"]), 201)
    assert made["spec"]["username"] == "kubernetes-admin"
    assert made["spec"]["groups"] == ["system:authenticated", "system:masters"]
    made["spec"]["usages"] = ["server auth"]
    assert (await sent(http, "PUT", f"{CSRS}/jane", made))["spec"]["usages"] == ["client auth"]


async def test_an_approval_is_for_ever(http: aiohttp.ClientSession) -> None:
    made = await sent(http, "POST", CSRS, body(), 201)
    told = await sent(http, "PUT", f"{CSRS}/jane/status", decide(made, "Approved"), 422)
    assert 'updates may not add a condition of type "Approved"' in told["message"]
    approved = await sent(http, "PUT", f"{CSRS}/jane/approval", decide(made, "Approved"))
    (condition,) = approved["status"]["conditions"]
    assert condition["lastUpdateTime"]
    for wrong, why in (
        (decide(approved), 'updates may not remove a condition of type "Approved"'),
        (decide(approved, "Approved", "Denied"), "Approved and Denied conditions are mutually exclusive"),
    ):
        assert why in (await sent(http, "PUT", f"{CSRS}/jane/approval", wrong, 422))["message"]
    async with http.get(CSRS, headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}) as response:
        (row,) = (await response.json())["rows"]
    assert row["cells"][2:] == [CLIENTS, "kubernetes-admin", "<none>", "Approved"]


async def test_a_decision_needs_the_right_to_on_the_signer(
    http: aiohttp.ClientSession, session_of: Callable[[str | None], aiohttp.ClientSession]
) -> None:
    made, jane = await sent(http, "POST", CSRS, body(), 201), session_of("jane")
    rules = [{"verbs": ["update"], "apiGroups": ["certificates.k8s.io"], "resources": [f"{KIND}/approval"]}]
    await sent(http, "POST", f"{RBAC}/clusterroles", {"metadata": {"name": "deciders"}, "rules": rules}, 201)
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "deciders"}
    who = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "jane"}]
    binding = {"metadata": {"name": "deciders"}, "roleRef": role, "subjects": who}
    await sent(http, "POST", f"{RBAC}/clusterrolebindings", binding, 201)
    told = await sent(jane, "PUT", f"{CSRS}/jane/approval", decide(made, "Denied"), 403)
    assert f'user not permitted to approve requests with signerName "{CLIENTS}"' in told["message"]
    assert (await sent(http, "PUT", f"{CSRS}/jane/approval", decide(made, "Denied")))["status"]["conditions"]


async def test_nobody_becomes_administrator_by_a_request(http: aiohttp.ClientSession) -> None:
    told = await sent(http, "POST", CSRS, body(request=pem("system:masters")), 403)
    assert "system:masters group is not allowed" in told["message"]


@pytest.mark.parametrize(
    ("spec", "causes"),
    [
        ({"request": ""}, ["spec.request"]),
        ({"request": base64.b64encode(b"-----BEGIN CERTIFICATE REQUEST-----\nx").decode()}, ["spec.request"]),
        ({"usages": []}, ["spec.usages"]),
        ({"usages": ["client auth", "cooking", "client auth"]}, ["spec.usages[1]", "spec.usages[2]"]),
        ({"signerName": "signer"}, ["spec.signerName"]),
        ({"signerName": "kubernetes.io/legacy-unknown"}, ["spec.signerName"]),
        ({"expirationSeconds": 599, "signerName": ""}, ["spec.signerName", "spec.expirationSeconds"]),
    ],
)
async def test_what_is_wrong_with_a_request(
    http: aiohttp.ClientSession, spec: dict[str, Any], causes: list[str]
) -> None:
    told = await sent(http, "POST", CSRS, body(**spec), 422)
    assert [cause["field"] for cause in told["details"]["causes"]] == causes
