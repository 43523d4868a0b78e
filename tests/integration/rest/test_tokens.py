"""Tokens of service accounts, from the request to their end."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson
import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.waiting import WITHIN_S

from podlab.authentication.v1 import token_pb2
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2, serviceaccount_pb2
from podlab.errors import Forbidden, NotFound
from podlab.meta.v1 import meta_pb2

ISSUER = "https://kubernetes.default.svc.cluster.local"
ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/builder"


def pod(node: str = "") -> pod_pb2.Pod:
    made = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(namespace="default", name="web"))
    made.spec.serviceAccountName = "builder"
    made.spec.nodeName = node
    made.spec.containers.add(name="web", image="i:1")
    return made


@pytest.fixture
async def account(admin: Client) -> str:
    meta = meta_pb2.ObjectMeta(namespace="default", name="builder")
    return (await admin.create(serviceaccount_pb2.ServiceAccount(metadata=meta))).metadata.uid


async def asked(http: aiohttp.ClientSession, status: int = 201, **spec: Any) -> dict[str, Any]:
    body = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": spec}
    async with http.post(f"{ACCOUNT}/token", json=body) as response:
        found: dict[str, Any] = await response.json()
        assert response.status == status, found
        return found


async def reviewed(http: aiohttp.ClientSession, token: str, **spec: Any) -> dict[str, Any]:
    body = {"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "spec": {"token": token, **spec}}
    async with http.post("/apis/authentication.k8s.io/v1/tokenreviews", json=body) as response:
        assert response.status == 201, await response.text()
        found: dict[str, Any] = (await response.json())["status"]
        return found


async def status_with(session: aiohttp.ClientSession, token: str, path: str = "/api/v1/pods") -> tuple[int, str]:
    async with session.get(path, headers={"Authorization": f"Bearer {token}"}) as response:
        return response.status, await response.text()


async def test_a_token_speaks_for_its_account_until_that_is_gone(
    admin: Client, account: str, http: aiohttp.ClientSession, session_of: Callable[[str | None], aiohttp.ClientSession]
) -> None:
    made = await asked(http)
    assert made["spec"]["audiences"] == [ISSUER]
    assert made["spec"]["expirationSeconds"] == 3600
    token, stranger = made["status"]["token"], session_of(None)
    claims = orjson.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["sub"] == "system:serviceaccount:default:builder"
    status, told = await status_with(stranger, token)
    assert (status, "system:serviceaccount:default:builder" in told) == (403, True), told
    assert (await reviewed(http, token))["user"]["uid"] == account
    assert "authenticated" not in await reviewed(http, token, audiences=["vault"])
    await admin.delete(serviceaccount_pb2.ServiceAccount, "builder", "default")
    assert (await status_with(stranger, token))[0] == 401
    assert "serviceaccount builder is gone" in (await reviewed(http, token))["error"]


async def test_a_bad_token_is_refused_even_where_anonymous_callers_are_not(
    session_of: Callable[[str | None], aiohttp.ClientSession],
) -> None:
    stranger = session_of(None)
    assert (await status_with(stranger, "nonsense", "/healthz"))[0] == 401
    async with stranger.get("/healthz") as response:
        assert response.status == 200
    async with stranger.get("/api/v1/pods") as response:
        assert response.status == 403


async def test_a_token_bound_to_a_pod_dies_with_it(admin: Client, account: str, http: aiohttp.ClientSession) -> None:
    uid = (await admin.create(pod())).metadata.uid
    reference = {"kind": "Pod", "apiVersion": "v1", "name": "web", "uid": uid}
    token = (await asked(http, boundObjectRef=reference))["status"]["token"]
    extra = (await reviewed(http, token))["user"]["extra"]
    assert extra["authentication.kubernetes.io/pod-uid"] == [uid]
    refused = await asked(http, 409, boundObjectRef={**reference, "uid": "other"})
    assert "does not match the UID in record" in refused["message"]
    await admin.delete(pod_pb2.Pod, "web", "default", grace_period_s=0)
    await admin.create(pod())
    assert "authenticated" not in await reviewed(http, token)


async def test_a_secrets_own_token_tells_when_it_was_used_and_can_be_marked_invalid(
    account: str, http: aiohttp.ClientSession
) -> None:
    at = "/api/v1/namespaces/default/secrets"
    own = {"kubernetes.io/service-account.name": "builder"}
    kept = {"metadata": {"name": "kept", "annotations": own}, "type": "kubernetes.io/service-account-token"}
    async with http.post(at, json=kept) as response:
        uid = (await response.json())["metadata"]["uid"]
    reference = {"kind": "Secret", "apiVersion": "v1", "name": "kept", "uid": uid}
    token = (await asked(http, boundObjectRef=reference))["status"]["token"]
    assert (await reviewed(http, token))["authenticated"]
    labels: dict[str, str] = {}
    async with asyncio.timeout(WITHIN_S):
        while not labels:
            async with http.get(f"{at}/kept") as response:
                labels = (await response.json())["metadata"].get("labels", {})
    assert labels == {"kubernetes.io/legacy-token-last-used": datetime.now(UTC).date().isoformat()}
    patch = {"metadata": {"labels": {"kubernetes.io/legacy-token-invalid-since": "2026-01-01"}}}
    headers = {"Content-Type": "application/merge-patch+json"}
    async with http.patch(f"{at}/kept", json=patch, headers=headers) as response:
        assert response.status == 200
    assert "has been marked invalid" in (await reviewed(http, token))["error"]


@pytest.mark.parametrize(
    ("spec", "status", "told"),
    [
        ({"expirationSeconds": 599}, 422, "may not specify a duration less than 10 minutes"),
        ({"expirationSeconds": 2**32 + 1}, 422, "may not specify a duration larger than 2^32 seconds"),
        ({"boundObjectRef": {"kind": "ConfigMap", "name": "x"}}, 400, "cannot bind token to object of type"),
        ({"boundObjectRef": {"kind": "Secret", "name": "x"}}, 404, 'secrets "x" not found'),
        ({"boundObjectRef": {"kind": "Pod", "name": "x"}}, 404, 'pods "x" not found'),
    ],
)
async def test_what_cannot_be_had(
    account: str, http: aiohttp.ClientSession, spec: dict[str, Any], status: int, told: str
) -> None:
    assert told in (await asked(http, status, **spec))["message"]


async def test_others_can_check_tokens_with_what_the_server_publishes(http: aiohttp.ClientSession) -> None:
    async with http.get("/.well-known/openid-configuration") as response:
        assert (await response.json())["issuer"] == ISSUER
    async with http.get("/openid/v1/jwks") as response:
        (key,) = (await response.json())["keys"]
    assert (key["alg"], key["kty"], key["crv"]) == ("ES256", "EC", "P-256")


async def test_a_node_gets_tokens_for_its_own_pods_alone(admin: Client, cluster: Cluster, account: str) -> None:
    uid = (await admin.create(pod("n1"))).metadata.uid
    bound = token_pb2.BoundObjectReference(kind="Pod", apiVersion="v1", name="web", uid=uid)
    spec = token_pb2.TokenRequestSpec(boundObjectRef=bound)
    own = await cluster.client("system:node:n1")
    other = await cluster.client("system:node:n2")
    assert (await own.request_token("default", "builder", spec)).token
    with pytest.raises(Forbidden):
        await other.request_token("default", "builder", spec)
    with pytest.raises(Forbidden, match='"builder" is forbidden: node requested token not bound to a pod'):
        await own.request_token("default", "builder", token_pb2.TokenRequestSpec())
    with pytest.raises(NotFound):
        await admin.request_token("default", "nobody", token_pb2.TokenRequestSpec())
