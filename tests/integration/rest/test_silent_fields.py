"""Fields that say nothing, or nothing that matters on these hosts, and null where Go has a zero value."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
import yaml

PODS = "/api/v1/namespaces/default/pods"
MAPS = "/api/v1/namespaces/default/configmaps"
SECRETS = "/api/v1/namespaces/default/secrets"
SERVICES = "/api/v1/namespaces/default/services"
NODES = "/api/v1/nodes"


async def send(
    http: aiohttp.ClientSession, method: str, path: str, body: Any, media_type: str = "application/json"
) -> tuple[int, Any]:
    text = yaml.safe_dump(body) if media_type.endswith("yaml") else json.dumps(body)
    async with http.request(method, path, data=text, headers={"Content-Type": media_type}) as response:
        return response.status, await response.json()


async def test_what_says_nothing_is_accepted_and_what_has_no_effect_here_is_kept(http: aiohttp.ClientSession) -> None:
    kept = {
        "automountServiceAccountToken": False,
        "os": {"name": "linux"},
        "hostUsers": True,
        "setHostnameAsFQDN": False,
        "runtimeClassName": "",
    }
    context = {
        "seLinuxOptions": {"level": "s0:c1"},
        "procMount": "Default",
        "appArmorProfile": {"type": "RuntimeDefault"},
    }
    container = {
        "name": "c",
        "image": "i",
        "securityContext": context,
        "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
        "volumeMounts": [{"name": "v", "mountPath": "C:/data", "recursiveReadOnly": "Disabled"}],
    }
    silent = {"resourceClaims": None, "schedulingGroup": {}}
    pod = {
        "metadata": {"name": "a"},
        "spec": {
            **kept,
            **silent,
            "securityContext": {"seLinuxOptions": {}, "sysctls": [], "seLinuxChangePolicy": "Recursive"},
            "containers": [{**container, "volumeDevices": [], "restartPolicyRules": []}],
            "volumes": [{"name": "v", "emptyDir": {}, "nfs": None, "csi": None}],
        },
    }
    status, made = await send(http, "POST", f"{PODS}?fieldValidation=Strict", pod)
    assert status == 201, made
    spec = made["spec"]
    assert {name: spec[name] for name in kept} == kept
    assert not silent.keys() & spec.keys()
    assert spec["securityContext"] == {"seLinuxOptions": {}, "seLinuxChangePolicy": "Recursive"}
    assert {name: spec["containers"][0][name] for name in container} == container
    service = {
        "metadata": {"name": "a"},
        "spec": {
            "ports": [{"port": 1}],
            "externalIPs": [],
            "loadBalancerSourceRanges": [],
            "loadBalancerIP": "",
            "loadBalancerClass": None,
            "externalName": "",
            "healthCheckNodePort": 0,
        },
        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
    }
    status, made = await send(http, "POST", f"{SERVICES}?fieldValidation=Strict", service)
    assert (status, made["status"]) == (201, {"loadBalancer": {}})


async def test_a_status_that_is_not_supported_is_refused_where_it_is_written(http: aiohttp.ClientSession) -> None:
    said = {"config": {"error": "none"}}
    status, made = await send(http, "POST", NODES, {"metadata": {"name": "a"}, "status": said})
    assert (status, "config" in made["status"]) == (201, False)
    refused = "status.config: not supported by Podlab"
    status, answer = await send(http, "PUT", f"{NODES}/a/status", {**made, "status": said})
    assert status == 400
    assert refused in answer["message"]
    status, answer = await send(http, "PATCH", f"{NODES}/a/status", {"status": said}, "application/merge-patch+json")
    assert status == 422
    assert refused in answer["message"]


async def test_whoever_brings_a_load_balancer_says_where_it_is(http: aiohttp.ClientSession) -> None:
    spec = {"type": "LoadBalancer", "ports": [{"port": 1}], "loadBalancerIP": "192.0.2.1"}
    service = {"metadata": {"name": "b"}, "spec": spec}
    status, made = await send(http, "POST", SERVICES, service)
    assert (status, made["spec"]["loadBalancerIP"], made["status"]) == (201, "192.0.2.1", {"loadBalancer": {}})
    points = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    status, told = await send(http, "PUT", f"{SERVICES}/b/status", {**made, "status": points})
    assert (status, told["status"]) == (200, {"loadBalancer": {"ingress": [{"ip": "192.0.2.1", "ipMode": "VIP"}]}})
    status, answer = await send(http, "POST", SERVICES, {"metadata": {"name": "c"}, "spec": {"ports": [{"port": 1}]}})
    status, answer = await send(http, "PUT", f"{SERVICES}/c/status", {**answer, "status": points})
    assert (status, answer["message"].rpartition("Forbidden: ")[2]) == (
        422, 'may only be used when `spec.type` is "LoadBalancer"',
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"hostUsers": False, "hostPID": True}, "spec.hostPID: Forbidden: when `hostUsers` is false"),
        ({"os": {"name": "windows"}}, 'spec.os.name: not supported by Podlab: remove the field, or set it to "linux"'),
        ({"schedulingGroup": {"a": "b"}}, "spec.schedulingGroup: not supported"),
        ({"volumes": [{"name": "v", "nfs": {}}]}, "spec.volumes[0].nfs: not supported by Podlab"),
        (
            {"os": {"name": "linux"}, "securityContext": {"windowsOptions": {}}},
            "spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod",
        ),
        ({"securityContext": {"seLinuxChangePolicy": "x"}}, 'seLinuxChangePolicy: Unsupported value: "x"'),
    ],
)
async def test_what_would_be_missed_is_refused_by_name(
    http: aiohttp.ClientSession, spec: dict[str, Any], told: str
) -> None:
    pod = {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}
    status, answer = await send(http, "POST", PODS, pod)
    assert status in (400, 422)
    assert told in answer["message"]


@pytest.mark.parametrize("media_type", ["application/json", "application/yaml"])
async def test_null_is_the_zero_value_in_creates_and_updates(http: aiohttp.ClientSession, media_type: str) -> None:
    labels = {"metadata": {"name": "a", "labels": {"x": None}, "annotations": {"y": None}}}
    for method, path in (("POST", MAPS), ("PUT", f"{MAPS}/a")):
        status, made = await send(http, method, path, {**labels, "data": {"A": None}}, media_type)
        assert (status // 100, made["data"]) == (2, {"A": ""})
        assert (made["metadata"]["labels"], made["metadata"]["annotations"]) == ({"x": ""}, {"y": ""})
    status, made = await send(
        http, "POST", SECRETS, {**labels, "data": {"A": None}, "stringData": {"B": None}}, media_type
    )
    assert (status, made["data"]) == (201, {"A": "", "B": ""})
    container = {"name": "c", "image": "i", "args": [None, "b"], "resources": {"requests": {"cpu": None}}}
    spec = {"nodeSelector": {"z": None}, "containers": [container], "imagePullSecrets": [None]}
    status, made = await send(http, "POST", PODS, {"metadata": {"name": "a"}, "spec": spec}, media_type)
    assert (status, made["spec"]["nodeSelector"]) == (201, {"z": ""})
    assert made["spec"]["containers"][0]["args"] == ["", "b"]
    assert made["spec"]["containers"][0]["resources"] == {"requests": {"cpu": "0"}}


@pytest.mark.parametrize(
    ("media_type", "patch", "data"),
    [
        ("application/json-patch+json", [{"op": "add", "path": "/data", "value": {"A": None}}], {"A": ""}),
        ("application/json-patch+json", [{"op": "add", "path": "/data/B", "value": None}], {"A": "1", "B": ""}),
        # Where null means that something goes, it goes.
        ("application/merge-patch+json", {"data": {"A": None, "B": "2"}}, {"B": "2"}),
        ("application/strategic-merge-patch+json", {"data": {"A": None, "B": "2"}}, {"B": "2"}),
    ],
)
async def test_null_in_patches(http: aiohttp.ClientSession, media_type: str, patch: Any, data: dict[str, str]) -> None:
    assert (await send(http, "POST", MAPS, {"metadata": {"name": "a"}, "data": {"A": "1"}}))[0] == 201
    status, made = await send(http, "PATCH", f"{MAPS}/a", patch, media_type)
    assert (status, made["data"]) == (200, data)


async def test_null_in_a_list_that_a_patch_replaces(http: aiohttp.ClientSession) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    body = {"metadata": {"name": "a"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}
    apps = "/apis/apps/v1/namespaces/default/deployments"
    assert (await send(http, "POST", apps, body))[0] == 201
    change = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i", "args": [None]}]}}}}
    for media_type in ("application/merge-patch+json", "application/strategic-merge-patch+json"):
        status, made = await send(http, "PATCH", f"{apps}/a", change, media_type)
        assert (status, made["spec"]["template"]["spec"]["containers"][0]["args"]) == (200, [""])
