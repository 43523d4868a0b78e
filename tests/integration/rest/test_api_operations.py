"""What Kubernetes' conformance tests `<Kind> should support ... API operations` do, with what clients in Go write."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import aiohttp
import orjson
import pytest
from podlab_testing.waiting import WITHIN_S

MERGE = {"Content-Type": "application/merge-patch+json"}
VERBS = {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
LABELS = {"special-label": "ours"}
SELECTED = {"labelSelector": "special-label=ours"}


def backend(name: str) -> dict[str, Any]:
    return {"service": {"name": name, "port": {"number": 8080}}}


RULE = {"http": {"paths": [{"path": "/", "pathType": "ImplementationSpecific", "backend": backend("test-backend")}]}}
PEER = {"podSelector": {"matchLabels": {"pod-name": "client-a"}}, "namespaceSelector": {"matchLabels": {"ns": "b"}}}
BODIES = {
    "discovery.k8s.io/endpointslices": {
        "addressType": "IPv4",
        "endpoints": [
            {"addresses": ["1.2.3.4", "5.6.7.8"], "conditions": {}},
            {"addresses": ["2.2.3.4", "6.6.7.8"], "conditions": {}},
        ],
        "ports": None,
    },
    "networking.k8s.io/ingresses": {
        "spec": {"defaultBackend": backend("default-backend"), "rules": [{"host": "host1.bar.com", **RULE}]},
        "status": {"loadBalancer": {}},
    },
    "networking.k8s.io/ingressclasses": {"spec": {"controller": "example.com/controller"}},
    "networking.k8s.io/networkpolicies": {
        "spec": {"podSelector": {"matchLabels": {"pod-name": "test-pod"}}, "ingress": [{"from": [PEER]}]},
    },
    "node.k8s.io/runtimeclasses": {"handler": "of-this-test"},
    "storage.k8s.io/csistoragecapacities": {"storageClassName": "e2e.example.com"},
}
OF_THE_CLUSTER = ("ingressclasses", "runtimeclasses")


async def sent(http: aiohttp.ClientSession, method: str, path: str, body: Any = None, **parts: Any) -> Any:
    async with http.request(method, path, json=body, **parts) as response:
        found = await response.json()
    assert response.status in (200, 201), found
    return found


async def watched(response: aiohttp.ClientResponse) -> list[str]:
    """Types of events, up to the first deletion."""
    types: list[str] = []
    async with asyncio.timeout(WITHIN_S):
        while not types or types[-1] != "DELETED":
            types.append(orjson.loads(await response.content.readline())["type"])
    return types


def names(listed: Any) -> set[str]:
    return {each["metadata"]["name"] for each in listed["items"]}


def versions(groups: Iterable[Any], name: str) -> list[str]:
    return [version["version"] for group in groups if group["name"] == name for version in group["versions"]]


@pytest.mark.parametrize("resource", BODIES)
async def test_every_operation_of_the_api_is_there(http: aiohttp.ClientSession, resource: str) -> None:
    group, _, plural = resource.partition("/")
    everywhere = f"/apis/{group}/v1/{plural}"
    path = everywhere if plural in OF_THE_CLUSTER else f"/apis/{group}/v1/namespaces/default/{plural}"
    assert "v1" in versions((await sent(http, "GET", "/apis"))["groups"], group)
    assert "v1" in versions([await sent(http, "GET", f"/apis/{group}")], group)
    discovered = await sent(http, "GET", f"/apis/{group}/v1")
    assert {each["name"]: set(each["verbs"]) for each in discovered["resources"]}[plural] == VERBS

    body = {"metadata": {"generateName": "e2e-", "creationTimestamp": None, "labels": LABELS}, **BODIES[resource]}
    made = [await sent(http, "POST", path, body) for _ in range(2)]
    async with http.post(path, json={**body, "metadata": {"name": made[0]["metadata"]["name"]}}) as again:
        assert (again.status, (await again.json())["reason"]) == (409, "AlreadyExists")
    listed = await sent(http, "GET", path, params=SELECTED)
    since = {"watch": "true", "resourceVersion": listed["metadata"]["resourceVersion"], **SELECTED}
    async with http.get(path, params=since) as here, http.get(everywhere, params=since) as there:
        made.append(await sent(http, "POST", path, body))
        one = f"{path}/{made[-1]['metadata']['name']}"
        assert (await sent(http, "GET", one))["metadata"]["uid"] == made[-1]["metadata"]["uid"]
        for listing in (path, everywhere):
            assert names(await sent(http, "GET", listing, params=SELECTED)) == names({"items": made})
        patch = {"metadata": {"annotations": {"patched": "true"}}}
        found = await sent(http, "PATCH", one, patch, headers=MERGE)
        assert int(found["metadata"]["resourceVersion"]) > int(made[-1]["metadata"]["resourceVersion"])
        found["metadata"]["annotations"]["updated"] = "true"
        found = await sent(http, "PUT", one, found)
        assert found["metadata"]["annotations"] == {"patched": "true", "updated": "true"}
        await sent(http, "DELETE", one)
        for watch in (here, there):
            assert await watched(watch) == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]
    async with http.get(one) as response:
        assert response.status == 404
    assert names(await sent(http, "GET", path, params=SELECTED)) == names({"items": made[:-1]})
    await sent(http, "DELETE", path, params=SELECTED)
    assert (await sent(http, "GET", path, params=SELECTED))["items"] == []


@pytest.mark.parametrize(
    ("port", "status"),
    [
        ({"endPort": 20000}, 422),
        ({"port": "serve-80", "endPort": 20000}, 422),
        ({"port": 30000, "endPort": 20000}, 422),
        ({"port": 20000, "endPort": 20000}, 201),
        ({"port": 10000, "endPort": 20000}, 201),
    ],
)
async def test_a_range_of_ports_begins_with_a_number_that_is_not_above_its_end(
    http: aiohttp.ClientSession, port: dict[str, Any], status: int
) -> None:
    spec = {"podSelector": {"matchLabels": {"pod-name": "test-pod"}}, "egress": [{"ports": [port]}]}
    path = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"
    async with http.post(path, json={"metadata": {"generateName": "e2e-"}, "spec": spec}) as response:
        assert response.status == status, await response.text()
