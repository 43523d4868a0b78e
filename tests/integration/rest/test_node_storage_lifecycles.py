"""Kubernetes' conformance tests of kinds of nodes and storage, step by step, with what clients in Go write.

`... should run through the lifecycle of a ...` and those of PodTemplates; docs/conformance.md says which are whose.
"""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

CORE, STORAGE = "/api/v1", "/apis/storage.k8s.io/v1"
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
MERGE = {"Content-Type": "application/merge-patch+json"}
PODS = f"{CORE}/namespaces/default/pods"
ATTACHMENTS = f"{STORAGE}/volumeattachments"
READY = {"type": "Ready", "status": "True", "reason": "E2E", "message": "Set from a test"}
NO_TIMES = {"lastHeartbeatTime": None, "lastTransitionTime": None}
NODE_INFO = dict.fromkeys(
    (
        "machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion", "kubeletVersion",
        "kubeProxyVersion", "operatingSystem", "architecture",
    ),
    "",
)  # fmt: skip
NODE_STATUS = {
    "phase": "Running",
    "conditions": [{**READY, **NO_TIMES}],
    "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
    "nodeInfo": NODE_INFO,
}
CONTAINER = {"name": "nginx", "image": "nginx", "resources": {}}
ATTACHED = {"attacher": "e2e-test.storage.k8s.io", "nodeName": "n1", "source": {"persistentVolumeName": "pv-e2e"}}
CLASS_PARAMETERS = {"driverName": "e2e-fake-csi-driver", "parameters": {"foo": "bar"}}
BODIES: dict[str, dict[str, Any]] = {
    f"{CORE}/namespaces/default/podtemplates": {
        "template": {"metadata": {"creationTimestamp": None}, "spec": {"containers": [CONTAINER]}}
    },
    f"{CORE}/nodes": {"spec": {"unschedulable": True}, "status": NODE_STATUS},
    f"{STORAGE}/csidrivers": {"spec": {"attachRequired": True, "podInfoOnMount": False}},
    f"{STORAGE}/csinodes": {"spec": {"drivers": None}},
    ATTACHMENTS: {"spec": ATTACHED, "status": {"attached": False}},
    f"{STORAGE}/volumeattributesclasses": CLASS_PARAMETERS,
}


async def sent(http: aiohttp.ClientSession, method: str, path: str, body: Any = None, **parts: Any) -> Any:
    async with http.request(method, path, json=body, **parts) as response:
        answer = await response.json()
    assert response.status in (200, 201), answer
    return answer


async def found_by(http: aiohttp.ClientSession, path: str, selector: str) -> set[str]:
    """Names of those that the selector takes."""
    listed = await sent(http, "GET", path, params={"labelSelector": selector})
    return {each["metadata"]["name"] for each in listed["items"]}


async def created(http: aiohttp.ClientSession, path: str, name: str) -> Any:
    """Made as given, with a uid of the client's, which the server does not take, and read again."""
    metadata = {"name": name, "uid": name, "creationTimestamp": None}
    made = await sent(http, "POST", path, {"metadata": metadata, **BODIES[path]}, params={"fieldValidation": "Strict"})
    assert made["metadata"]["uid"] != name
    assert await sent(http, "GET", f"{path}/{name}") == made
    return made


@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.rpartition("/")[2])
async def test_an_object_is_found_patched_deleted_and_followed_by_two_that_go_together(
    http: aiohttp.ClientSession, path: str
) -> None:
    first = await created(http, path, "e2e-first")
    patch = {"metadata": {"labels": {"e2e-first": "patched"}}}
    found = await sent(http, "PATCH", f"{path}/e2e-first", patch, headers=STRATEGIC)
    assert found["metadata"]["labels"] == {"e2e-first": "patched"}
    assert int(found["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])
    assert await found_by(http, path, "e2e-first=patched") == {"e2e-first"}
    await sent(http, "DELETE", f"{path}/e2e-first")
    async with http.get(f"{path}/e2e-first") as response:
        assert response.status == 404
    assert await found_by(http, path, "e2e-first=patched") == set()

    for name in ("e2e-second", "e2e-third"):
        found = await created(http, path, name)
        found["metadata"] |= {"labels": {"e2e": "updated"}, "annotations": {"updated": "true"}}
        replaced = await sent(http, "PUT", f"{path}/{name}", found)
        assert replaced["metadata"]["labels"] == {"e2e": "updated"}
        assert replaced["metadata"]["annotations"] == {"updated": "true"}
    everywhere = path.replace("/namespaces/default", "")
    assert await found_by(http, everywhere, "e2e=updated") == {"e2e-second", "e2e-third"}
    await sent(http, "DELETE", path, params={"labelSelector": "e2e=updated"})
    assert await found_by(http, path, "e2e=updated") == set()


async def test_a_node_that_is_made_whole_has_its_status_from_the_start(http: aiohttp.ClientSession) -> None:
    """The conformance test's node says that it is ready, so that nobody who looks after nodes takes it away."""
    made = await created(http, f"{CORE}/nodes", "e2e-fake-node")
    assert made["spec"]["unschedulable"] is True
    assert made["status"]["phase"] == "Running"
    (condition,) = made["status"]["conditions"]
    assert READY.items() <= condition.items()


async def test_an_attachments_status_is_read_patched_and_replaced(http: aiohttp.ClientSession) -> None:
    await created(http, ATTACHMENTS, "va-e2e")
    one = f"{ATTACHMENTS}/va-e2e"
    await sent(http, "PATCH", one, {"metadata": {"labels": {"va-e2e": "patched"}}}, headers=MERGE)
    assert (await sent(http, "GET", f"{one}/status"))["status"] == {"attached": False}
    found = await sent(http, "PATCH", f"{one}/status", {"status": {"attached": True}}, headers=MERGE)
    assert found["status"] == {"attached": True}
    found = await sent(http, "GET", one)
    found["status"]["attached"] = False
    assert (await sent(http, "PUT", f"{one}/status", found))["status"] == {"attached": False}
    await sent(http, "DELETE", one)
    assert await found_by(http, ATTACHMENTS, "va-e2e=patched") == set()


async def test_settings_of_the_kernel_that_have_no_possible_name_are_all_told_and_no_others(
    http: aiohttp.ClientSession,
) -> None:
    settings = {"foo-": "bar", "kernel.shmmax": "100000000", "safe-and-unsafe": "100000000", "bar..": "42"}
    context = {"sysctls": [{"name": name, "value": value} for name, value in settings.items()]}
    spec = {"containers": [CONTAINER], "restartPolicy": "Never", "securityContext": context}
    async with http.post(PODS, json={"metadata": {"name": "sysctl"}, "spec": spec}) as response:
        told = (await response.json())["message"]
    assert response.status == 422
    for name, is_told in zip(settings, (True, False, False, True), strict=True):
        assert (f'Invalid value: "{name}"' in told) == is_told, told
    assert "safe-and-unsafe" not in told
    assert "kernel.shmmax" not in told


async def test_each_container_that_joins_a_pod_is_another_generation(http: aiohttp.ClientSession) -> None:
    """Conformance: Ephemeral Containers, but for their running: one is patched in, the next comes with a whole pod."""
    sleeper = {"name": "main", "image": "busybox", "command": ["/bin/sleep"], "args": ["10000"]}
    made = await sent(http, "POST", PODS, {"metadata": {"name": "target"}, "spec": {"containers": [sleeper]}})
    assert made["metadata"]["generation"] == 1
    below = f"{PODS}/target/ephemeralcontainers"
    debugger = {"name": "debugger", "image": "busybox", "stdin": True, "tty": True}
    patch = {"spec": {"ephemeralContainers": [debugger]}}
    assert (await sent(http, "PATCH", below, patch, headers=STRATEGIC))["metadata"]["generation"] == 2
    found = await sent(http, "GET", below)
    assert [each["name"] for each in found["spec"]["ephemeralContainers"]] == ["debugger"]
    del found["metadata"]["resourceVersion"]
    fields = {"imagePullPolicy": "IfNotPresent", "terminationMessagePolicy": "File"}
    found["spec"]["ephemeralContainers"].append({"name": "debugger2", "image": "agnhost", **fields})
    await sent(http, "PUT", below, found)
    found = await sent(http, "GET", below)
    assert [each["name"] for each in found["spec"]["ephemeralContainers"]] == ["debugger", "debugger2"]
    assert found["metadata"]["generation"] == 3
