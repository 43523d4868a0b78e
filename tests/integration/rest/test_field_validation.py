"""What becomes of fields that nobody knows, or that are said twice, by fieldValidation; and of dry runs."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
TYPO = b'{"metadata":{"name":"a","labels":{"x":"1","x":"2"}},"dat":{"k":"v"}}'
TOLD = ['duplicate field "metadata.labels.x"', 'unknown field "dat"']
MERGE = "application/merge-patch+json"
JSON = "application/json"


def warnings(response: aiohttp.ClientResponse) -> list[str]:
    return [value.removeprefix('299 - "')[:-1].replace('\\"', '"') for value in response.headers.getall("Warning", [])]


async def send(
    http: aiohttp.ClientSession, method: str, path: str, body: bytes, media_type: str = JSON
) -> tuple[int, Any, list[str]]:
    async with http.request(method, path, data=body, headers={"Content-Type": media_type}) as response:
        return response.status, await response.json(), warnings(response)


@pytest.mark.parametrize(
    ("method", "path", "media_type"),
    [("POST", MAPS, JSON), ("PUT", f"{MAPS}/a", JSON), ("PATCH", f"{MAPS}/a", MERGE)],
)
async def test_unknown_and_repeated_fields_are_told_as_asked(
    http: aiohttp.ClientSession, method: str, path: str, media_type: str
) -> None:
    if method != "POST":
        await send(http, "POST", MAPS, b'{"metadata":{"name":"a"}}')
    status, answer, _ = await send(http, method, f"{path}?fieldValidation=Strict", TYPO, media_type)
    assert status == (422 if method == "PATCH" else 400)
    assert f"strict decoding error: {', '.join(TOLD)}" in answer["message"]
    status, answer, told = await send(http, method, f"{path}?fieldValidation=Ignore&dryRun=All", TYPO, media_type)
    assert (status // 100, told) == (2, [])
    status, answer, told = await send(http, method, path, TYPO, media_type)
    assert (status // 100, told, answer["metadata"]["labels"]) == (2, TOLD, {"x": "2"})
    assert "dat" not in answer


async def test_the_other_patches_are_validated_too(http: aiohttp.ClientSession) -> None:
    await send(http, "POST", MAPS, b'{"metadata":{"name":"a"}}')
    add = b'[{"op":"add","path":"/dat","value":{}}]'
    for media_type, body in (
        ("application/json-patch+json", add),
        ("application/strategic-merge-patch+json", b'{"dat":1}'),
    ):
        status, answer, _ = await send(http, "PATCH", f"{MAPS}/a?fieldValidation=Strict", body, media_type)
        assert (status, answer["details"]["causes"][0]["field"]) == (422, "patch")
        assert 'unknown field "dat"' in answer["message"]
        assert (await send(http, "PATCH", f"{MAPS}/a", body, media_type))[2] == ['unknown field "dat"']


async def test_a_scale_is_validated_as_any_other_object(http: aiohttp.ClientSession) -> None:
    template = b'{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}'
    body = b'{"metadata":{"name":"a"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":%s}}' % template
    apps = "/apis/apps/v1/namespaces/default/replicasets"
    assert (await send(http, "POST", apps, body))[0] == 201
    scale = f"{apps}/a/scale"
    status, answer, told = await send(http, "PUT", scale, b'{"spec":{"replicas":3,"x":1}}')
    assert (status, answer["spec"], told) == (200, {"replicas": 3}, ['unknown field "spec.x"'])
    status, answer, _ = await send(
        http, "PATCH", scale, b'[{"op":"replace","path":"/spec/replicas","value":5}]', "application/json-patch+json"
    )
    assert (status, answer["spec"]["replicas"], answer["status"]["selector"]) == (200, 5, "a=b")
    status, answer, _ = await send(http, "PATCH", f"{scale}?dryRun=All", b'{"spec":{"replicas":7}}', MERGE)
    assert (status, answer["spec"]["replicas"]) == (200, 7)
    status, answer, _ = await send(http, "PATCH", scale, b'{"spec":{"replicas":-1}}', MERGE)
    assert (status, answer["details"]["causes"][0]["field"]) == (422, "spec.replicas")
    async with http.get(scale) as response:
        assert (await response.json())["spec"]["replicas"] == 5


async def test_dry_runs_of_status_and_binding_change_nothing(http: aiohttp.ClientSession) -> None:
    pod = b'{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"i"}]}}'
    assert (await send(http, "POST", PODS, pod))[0] == 201
    status, answer, _ = await send(
        http, "PUT", f"{PODS}/a/status?dryRun=All", b'{"metadata":{"name":"a"},"status":{"message":"m"}}'
    )
    assert (status, answer["status"]["message"]) == (200, "m")
    binding = b'{"target":{"kind":"Node","name":"n1"}}'
    assert (await send(http, "POST", f"{PODS}/a/binding?dryRun=All", binding))[0] == 201
    async with http.get(f"{PODS}/a") as response:
        stored = await response.json()
    assert "message" not in stored["status"]
    assert "nodeName" not in stored["spec"]
