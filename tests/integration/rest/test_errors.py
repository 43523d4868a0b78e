"""Each class of bad input, and the Status that it gets."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

PODS = "/api/v1/namespaces/default/pods"
MAPS = "/api/v1/namespaces/default/configmaps"
JSON = "application/json"
TABLE = f"{JSON};as=Table;v=v1;g=meta.k8s.io"
CASES: dict[str, tuple[str, str, str, bytes, int, str, str]] = {
    # method, path, media type, body, status, reason, part of the message
    "no such kind": ("GET", "/api/v1/gadgets", JSON, b"", 404, "NotFound", "could not find the requested resource"),
    "no such group": ("GET", "/apis/nope.io/v1", JSON, b"", 404, "NotFound", "could not find"),
    "no such document": ("GET", "/openapi/v3/apis/nope/v1", JSON, b"", 404, "NotFound", "could not find"),
    "no such pod": ("GET", f"{PODS}/a", JSON, b"", 404, "NotFound", 'pods "a" not found'),
    "no such deployment": (
        "GET", "/apis/apps/v1/namespaces/default/deployments/a", JSON, b"", 404, "NotFound",
        'deployments.apps "a" not found',
    ),
    "no such subresource": ("GET", f"{MAPS}/a/status", JSON, b"", 404, "NotFound", 'no subresource "status"'),
    "exec in no pod": ("POST", f"{PODS}/a/exec?stdout=1&command=x", JSON, b"", 404, "NotFound", 'pods "a" not found'),
    "resize in no pod": ("GET", f"{PODS}/a/resize", JSON, b"", 404, "NotFound", 'pods "a" not found'),
    "proxied path": ("GET", "/api/v1/nodes/n/proxy/a/b", JSON, b"", 404, "NotFound", 'nodes "n" not found'),
    "create in all namespaces": ("POST", "/api/v1/pods", JSON, b"{}", 405, "MethodNotAllowed", "without a namespace"),
    "put on a collection": ("PUT", PODS, JSON, b"{}", 405, "MethodNotAllowed", "does not allow this method"),
    "malformed JSON": ("POST", PODS, JSON, b"{", 400, "BadRequest", "malformed JSON"),
    "malformed YAML": ("POST", PODS, "application/yaml", b"a: [", 400, "BadRequest", "malformed YAML"),
    "unreadable form": ("POST", PODS, "text/xml", b"<a/>", 415, "UnsupportedMediaType", "application/json"),
    "another kind": ("POST", PODS, JSON, b'{"kind":"Service"}', 400, "BadRequest", "cannot be handled as a Pod"),
    "wrong type": ("POST", MAPS, JSON, b'{"data":{"a":1}}', 400, "BadRequest", "data[a]: expected a string"),
    "not supported": (
        "POST", PODS, JSON, b'{"spec":{"os":{"name":"windows"}}}', 400, "BadRequest", "not supported by Podlab",
    ),
    "no name": ("POST", MAPS, JSON, b"{}", 422, "Invalid", "metadata.name: Required value: name or generateName is"),
    "invalid": ("POST", MAPS, JSON, b'{"metadata":{"name":"A_"}}', 422, "Invalid", "metadata.name: Invalid value"),
    "other namespace": (
        "POST", MAPS, JSON, b'{"metadata":{"name":"a","namespace":"b"}}', 400, "BadRequest", "does not match",
    ),
    "other name": ("PUT", f"{MAPS}/a", JSON, b'{"metadata":{"name":"b"}}', 400, "BadRequest", "does not match"),
    "missing namespace": (
        "POST", "/api/v1/namespaces/no/configmaps", JSON, b'{"metadata":{"name":"a"}}', 404, "NotFound",
        'namespaces "no" not found',
    ),
    "dry run": ("POST", f"{MAPS}?dryRun=Some", JSON, b"{}", 422, "Invalid", "dryRun: Unsupported value"),
    "field validation": ("POST", f"{MAPS}?fieldValidation=Loose", JSON, b"{}", 422, "Invalid", "fieldValidation"),
    "strict": (
        "POST", f"{MAPS}?fieldValidation=Strict", JSON, b'{"metadata":{"name":"a"},"dat":{}}', 400, "BadRequest",
        'strict decoding error: unknown field "dat"',
    ),
    "label selector": ("GET", f"{PODS}?labelSelector=a%20b", JSON, b"", 400, "BadRequest", "label selector"),
    "field selector": ("GET", f"{PODS}?fieldSelector=a=b", JSON, b"", 400, "BadRequest", "not supported: a"),
    "limit": ("GET", f"{PODS}?limit=x", JSON, b"", 400, "BadRequest", "limit"),
    "continue": ("GET", f"{PODS}?continue=x", JSON, b"", 400, "BadRequest", "continue"),
    "time": ("GET", f"{PODS}?timeoutSeconds=x", JSON, b"", 400, "BadRequest", "timeoutSeconds"),
    "time of a watch": ("GET", f"{PODS}?watch=1&timeoutSeconds=x", JSON, b"", 400, "BadRequest", "timeoutSeconds"),
    "no revision": ("GET", f"{PODS}?resourceVersion=x", JSON, b"", 400, "BadRequest", "resourceVersion: 'x'"),
    "watch of no revision": (
        "GET", f"{PODS}?watch=1&resourceVersion=x", JSON, b"", 400, "BadRequest", "resourceVersion: 'x'",
    ),
    "match without revision": (
        "GET", f"{PODS}?resourceVersionMatch=Exact", JSON, b"", 422, "Invalid",
        "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
    ),
    "match that is none": (
        "GET", f"{PODS}?resourceVersion=1&resourceVersionMatch=Some", JSON, b"", 422, "Invalid", "Unsupported value",
    ),
    "write to what is watched": ("DELETE", "/api/v1/watch/namespaces/default/pods/a", JSON, b"", 405,
        "MethodNotAllowed", "does not allow this method"),
    "review as a table": (
        "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", JSON, b"{}", 406, "NotAcceptable", JSON,
    ),
    "revision to come": ("GET", f"{PODS}?resourceVersion=999999", JSON, b"", 504, "Timeout", "Too large"),
    "initial events": ("GET", f"{PODS}?watch=1&sendInitialEvents=true", JSON, b"", 422, "Invalid", "NotOlderThan"),
    "propagation": (
        "DELETE", f"{MAPS}/kube?propagationPolicy=Maybe", JSON, b"", 422, "Invalid", "propagationPolicy",
    ),
    "delete options": ("DELETE", f"{MAPS}/a", JSON, b'{"grace":1}', 400, "BadRequest", "grace: unknown field"),
    "apply": (
        "PATCH", f"{MAPS}/a", "application/apply-patch+cbor", b"{}", 415, "UnsupportedMediaType", "apply-patch+yaml",
    ),
    "log options": ("GET", f"{PODS}/a/log?tailLines=-1", JSON, b"", 400, "BadRequest", "tailLines"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
async def test_bad_input_is_refused_by_name(http: aiohttp.ClientSession, case: str) -> None:
    method, path, media_type, body, code, reason, told = CASES[case]
    headers = {"Content-Type": media_type, **({"Accept": TABLE} if code == 406 else {})}
    async with http.request(method, path, data=body, headers=headers) as response:
        status: dict[str, Any] = await response.json()
    assert (response.status, status["code"], status["reason"]) == (code, code, reason), status
    assert status["kind"] == "Status"
    assert told in status["message"]


async def test_all_causes_are_told_with_their_fields(http: aiohttp.ClientSession) -> None:
    body = {"metadata": {"name": "A_"}, "spec": {"containers": [{"name": "c"}]}}
    async with http.post(PODS, json=body) as response:
        details = (await response.json())["details"]
    assert details["kind"] == "Pod"
    assert {cause["field"] for cause in details["causes"]} == {"metadata.name", "spec.containers[0].image"}


async def test_a_body_that_is_too_large_is_refused(http: aiohttp.ClientSession) -> None:
    body = io.BytesIO(b" " * ((3 << 20) + 1))
    async with http.post(MAPS, data=body, headers={"Content-Type": JSON}) as response:
        assert (response.status, (await response.json())["reason"]) == (413, "RequestEntityTooLarge")


async def test_forms_that_we_do_not_have_are_not_acceptable(http: aiohttp.ClientSession) -> None:
    async with http.get(PODS, headers={"Accept": "application/cbor"}) as response:
        assert (response.status, (await response.json())["reason"]) == (406, "NotAcceptable")


async def test_strangers_see_health_and_version_alone(session_of: Callable[[str | None], Any]) -> None:
    stranger = session_of(None)
    for path in ("/healthz", "/livez", "/readyz", "/version"):
        async with stranger.get(path) as response:
            assert response.status == 200, path
    for path in ("/api", "/apis", "/api/v1/pods", "/openapi/v3", "/"):
        async with stranger.get(path) as response:
            refused = await response.json()
        assert (response.status, refused["reason"]) == (403, "Forbidden"), path
        assert 'User "system:anonymous" cannot' in refused["message"]


async def test_users_may_do_what_the_policy_says(session_of: Callable[[str | None], Any]) -> None:
    async with session_of("joe").get(PODS) as response:
        status = await response.json()
    assert (response.status, status["reason"]) == (403, "Forbidden")
    assert 'User "joe" cannot list resource "pods"' in status["message"]


async def test_a_kubelet_sees_its_own_pods_alone(session_of: Callable[[str | None], Any]) -> None:
    kubelet = session_of("system:node:n1")
    async with kubelet.get("/api/v1/pods?fieldSelector=spec.nodeName=n1") as response:
        assert response.status == 200
    async with kubelet.get("/api/v1/pods") as response:
        assert response.status == 403
    async with kubelet.post(PODS, json={"metadata": {"name": "a"}, "spec": {"containers": []}}) as response:
        assert response.status in (403, 422)
