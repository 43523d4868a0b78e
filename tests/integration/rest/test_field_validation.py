"""What becomes of fields that nobody knows, or that are said twice, by fieldValidation; and of dry runs."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
import pytest

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
TYPO = b'{"metadata":{"name":"a","labels":{"x":"1","x":"2"}},"dat":{"k":"v"}}'
TOLD = ['duplicate field "metadata.labels.x"', 'unknown field "dat"']
YAML = "application/yaml"
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


async def test_one_refusal_names_what_is_unknown_and_what_is_said_twice_in_the_order_of_the_text(
    http: aiohttp.ClientSession,
) -> None:
    apps = "/apis/apps/v1/namespaces/default/deployments"
    body = b"""{"metadata": {"name": "a", "unknownMeta": "foo"},
        "spec": {"unknownField": "foo", "replicas": 2, "replicas": 3, "selector": {"matchLabels": {"app": "nginx"}},
            "template": {"metadata": {"labels": {"app": "nginx", "app": "nginx"}},
                "spec": {"containers": [{"name": "nginx", "image": "nginx", "unknown": 1, "image": "nginx"}]}}}}"""
    words = [
        'unknown field "metadata.unknownMeta"',
        'unknown field "spec.unknownField"',
        'duplicate field "spec.replicas"',
        'duplicate field "spec.template.metadata.labels.app"',
        'unknown field "spec.template.spec.containers[0].unknown"',
        'duplicate field "spec.template.spec.containers[0].image"',
    ]
    status, answer, _ = await send(http, "POST", f"{apps}?fieldValidation=Strict", body)
    assert status == 400
    assert answer["message"].endswith(f"strict decoding error: {', '.join(words)}")
    status, _, told = await send(http, "POST", f"{apps}?dryRun=All", body)
    assert (status, told) == (201, words)


@pytest.mark.parametrize(("method", "path"), [("POST", MAPS), ("PUT", f"{MAPS}/a")])
async def test_yaml_may_give_a_key_twice_as_field_validation_says(
    http: aiohttp.ClientSession, method: str, path: str
) -> None:
    if method != "POST":
        await send(http, "POST", MAPS, b'{"metadata":{"name":"a"}}')
    body = b"metadata:\n  name: a\ndata:\n  k: one\n  k: two\ndat: {}\nmetadata:\n  name: a\n"
    lines = ['line 5: key "k" already set in map', 'line 7: key "metadata" already set in map']
    status, answer, _ = await send(http, method, f"{path}?fieldValidation=Strict", body, YAML)
    assert status == 400
    found = sorted(
        answer["message"]
        .partition("yaml: unmarshal errors:\n  ")[2]
        .removesuffix(', unknown field "dat"')
        .split("\n  ")
    )
    assert found == lines
    status, answer, told = await send(http, method, f"{path}?fieldValidation=Ignore&dryRun=All", body, YAML)
    assert (status // 100, told) == (2, [])
    status, answer, told = await send(http, method, path, body, YAML)
    assert (status // 100, sorted(told), answer["data"]) == (2, [*lines, 'unknown field "dat"'], {"k": "two"})


async def test_writes_that_succeed_are_warned_of_dry_runs_included_and_parts_are_not(
    http: aiohttp.ClientSession,
) -> None:
    ports = [{"containerPort": 80, "protocol": "TCP"}] * 2
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "i", "ports": ports}]},
    }
    body = {"metadata": {"name": "a"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}
    apps = "/apis/apps/v1/namespaces/default/deployments"
    first, second = (f"spec.template.spec.containers[0].ports[{index}]" for index in range(2))
    told = [f"{second}: duplicate port definition with {first}"]
    text = orjson.dumps(body)
    for query in ("?dryRun=All", "?fieldValidation=Ignore"):
        assert (await send(http, "POST", apps + query, text))[::2] == (201, told)
    merge = b'{"spec":{"template":{"spec":{"hostPID":true}}}}'
    assert (await send(http, "PATCH", f"{apps}/a?dryRun=All", merge, MERGE))[::2] == (200, told)
    assert (await send(http, "PATCH", f"{apps}/a", b'{"metadata":{"labels":{"x":"y"}}}', MERGE))[::2] == (200, [])
    assert (await send(http, "PATCH", f"{apps}/a/status", b'{"status":{"replicas":2}}', MERGE))[::2] == (200, [])
    deprecated = ["v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"]
    async with http.get("/api/v1/namespaces/default/endpoints") as response:
        assert warnings(response) == deprecated


@pytest.mark.parametrize(
    ("kind", "data", "field"),
    [
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": '{"auths":{}}'}, ""),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": "s3cret"}, "data[.dockerconfigjson]"),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": '["s3cret"]'}, "data[.dockerconfigjson]"),
        ("kubernetes.io/dockerconfigjson", {}, "data[.dockerconfigjson]"),
        ("kubernetes.io/dockercfg", {".dockercfg": "{"}, "data[.dockercfg]"),
        ("kubernetes.io/basic-auth", {"username": ""}, ""),
        ("kubernetes.io/basic-auth", {"user": "s3cret"}, "data[username]"),
        ("kubernetes.io/ssh-auth", {"ssh-privatekey": ""}, "data[ssh-privatekey]"),
        ("kubernetes.io/ssh-auth", {"ssh-privatekey": "s3cret"}, ""),
        ("kubernetes.io/tls", {"tls.crt": "", "tls.key": ""}, ""),
        ("kubernetes.io/tls", {"tls.crt": "s3cret"}, "data[tls.key]"),
        ("bootstrap.kubernetes.io/token", {"token-id": "abcdef"}, ""),
        (
            "kubernetes.io/service-account-token",
            {},
            "metadata.annotations[kubernetes.io/service-account.name]",
        ),
    ],
)
async def test_secrets_of_known_types_hold_what_these_need(
    http: aiohttp.ClientSession, kind: str, data: dict[str, str], field: str
) -> None:
    secrets = "/api/v1/namespaces/default/secrets"
    body = orjson.dumps({"metadata": {"name": "a"}, "type": kind, "stringData": data})
    status, answer, _ = await send(http, "POST", secrets, body)
    assert status == (422 if field else 201)
    if field:
        assert answer["details"]["causes"][0]["field"] == field
        assert "s3cret" not in str(answer)
