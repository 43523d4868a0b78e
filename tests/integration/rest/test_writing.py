"""Writes over REST, beside what the Python client's tests show."""

from __future__ import annotations

from typing import Any

import aiohttp

from podlab.client.client import Client
from podlab.core.v1 import config_pb2
from podlab.meta.v1 import meta_pb2

MAPS = "/api/v1/namespaces/default/configmaps"


async def post(http: aiohttp.ClientSession, query: str, body: Any, **headers: str) -> tuple[Any, list[str]]:
    async with http.post(MAPS + query, data=body, headers={"Content-Type": "application/json"} | headers) as response:
        assert response.status == 201, await response.text()
        return await response.json(), response.headers.getall("Warning", [])


async def test_rest_and_grpc_are_one_registry(http: aiohttp.ClientSession, admin: Client) -> None:
    await admin.create(config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name="a", namespace="default")))
    async with http.put(f"{MAPS}/a", json={"data": {"x": "y"}}) as response:
        assert (await response.json())["data"] == {"x": "y"}
    assert (await admin.get(config_pb2.ConfigMap, "a", "default")).data == {"x": "y"}


async def test_yaml_is_read_and_names_are_generated(http: aiohttp.ClientSession) -> None:
    body = "metadata:\n  generateName: map-\n"
    made, _ = await post(http, "", body, **{"Content-Type": "application/yaml"})
    assert made["metadata"]["name"].startswith("map-")


async def test_a_dry_run_stores_nothing(http: aiohttp.ClientSession) -> None:
    made, _ = await post(http, "?dryRun=All", b'{"metadata":{"name":"a"}}')
    assert made["metadata"]["uid"]
    async with http.get(f"{MAPS}/a") as response:
        assert response.status == 404


async def test_unknown_fields_are_warned_of_or_dropped(http: aiohttp.ClientSession) -> None:
    body = b'{"metadata":{"name":"%s","lables":{}},"dat":{}}'
    _, warnings = await post(http, "", body % b"a")
    assert warnings == [r'299 - "unknown field \"metadata.lables\""', r'299 - "unknown field \"dat\""']
    _, warnings = await post(http, "?fieldValidation=Ignore", body % b"b")
    assert warnings == []


async def test_kubectls_protobuf_is_read(http: aiohttp.ClientSession) -> None:
    inner = config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name="a"), data={"k": "v"})
    inner.metadata.creationTimestamp.SetInParent()
    raw = inner.SerializeToString()
    body = b"k8s\x00\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12" + bytes([len(raw)]) + raw
    made, _ = await post(http, "", body, **{"Content-Type": "application/vnd.kubernetes.protobuf"})
    assert made["data"] == {"k": "v"}


async def test_a_precondition_that_does_not_hold_keeps_the_object(http: aiohttp.ClientSession) -> None:
    await post(http, "", b'{"metadata":{"name":"a"}}')
    async with http.delete(f"{MAPS}/a", json={"preconditions": {"uid": "other"}}) as response:
        assert (response.status, (await response.json())["reason"]) == (409, "Conflict")


async def test_a_status_is_written_apart_with_what_marks_its_object(http: aiohttp.ClientSession) -> None:
    async with http.post("/api/v1/nodes", json={"metadata": {"name": "n1"}}) as response:
        assert response.status == 201
    metadata = {"name": "n1", "labels": {"a": "b"}, "annotations": {"c": "d"}}
    body = {"metadata": metadata, "spec": {"unschedulable": True}, "status": {"nodeInfo": {"kubeletVersion": "v9"}}}
    async with http.put("/api/v1/nodes/n1/status", json=body) as response:
        node = await response.json()
    assert node["status"]["nodeInfo"]["kubeletVersion"] == "v9"
    assert (node["metadata"]["labels"], node["metadata"]["annotations"]) == ({"a": "b"}, {"c": "d"})
    assert "unschedulable" not in node["spec"]
    async with http.patch(
        "/api/v1/nodes/n1/status",
        data=b'{"metadata":{"labels":{"-":"b"}}}',
        headers={"Content-Type": "application/merge-patch+json"},
    ) as response:
        assert (response.status, (await response.json())["details"]["causes"][0]["field"]) == (422, "metadata.labels")


async def test_quantities_are_kept_in_their_canonical_form_and_another_form_changes_nothing(
    http: aiohttp.ClientSession,
) -> None:
    pods = "/api/v1/namespaces/default/pods"
    resources = {"limits": {"cpu": "1000m", "memory": "0.5Gi"}, "requests": {"cpu": "0.1m"}}
    container = {"name": "c", "image": "i", "resources": resources}
    async with http.post(pods, json={"metadata": {"name": "a"}, "spec": {"containers": [container]}}) as response:
        made = await response.json()
    assert made["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "1", "memory": "512Mi"},
        "requests": {"cpu": "1m", "memory": "512Mi"},
    }
    patch = {"spec": {"containers": [{"name": "c", "resources": resources}]}}
    form = {"Content-Type": "application/strategic-merge-patch+json"}
    async with http.patch(f"{pods}/a", json=patch, headers=form) as response:
        assert (response.status, await response.json()) == (200, made)
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"memory": "1024Mi", "pods": "1000"}}}
    quotas = "/api/v1/namespaces/default/resourcequotas"
    async with http.post(quotas, json=quota) as response:
        made = await response.json()
    assert (made["spec"]["hard"], made["status"]["used"]) == (
        {"memory": "1Gi", "pods": "1k"},
        {"memory": "512Mi", "pods": "1"},
    )
    status = {"status": {"used": {"memory": "0.5Gi", "pods": "1000m"}}}
    form = {"Content-Type": "application/merge-patch+json"}
    async with http.patch(f"{quotas}/q/status", json=status, headers=form) as response:
        assert await response.json() == made
