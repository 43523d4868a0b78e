"""RuntimeClasses as pods meet them: what admission makes of a pod, and of one whose class has changed."""

from __future__ import annotations

from typing import Any

import aiohttp

CLASSES = "/apis/node.k8s.io/v1/runtimeclasses"
PODS = "/api/v1/namespaces/default/pods"


async def sent(http: aiohttp.ClientSession, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with http.request(method, path, json=body) as response:
        return response.status, await response.json()


def pod(name: str, runtime_class: str) -> dict[str, Any]:
    spec = {"runtimeClassName": runtime_class, "containers": [{"name": "a", "image": "x"}]}
    return {"metadata": {"name": name}, "spec": spec}


async def test_a_pod_gets_what_its_class_says_as_long_as_there_is_one(http: aiohttp.ClientSession) -> None:
    status, refused = await sent(http, "POST", PODS, pod("early", "sandboxed"))
    told = 'pods "early" is forbidden: pod rejected: RuntimeClass "sandboxed" not found'
    assert (status, refused["message"]) == (403, told)
    made = {
        "metadata": {"name": "sandboxed"},
        "handler": "runsc",
        "overhead": {"podFixed": {"cpu": "10m"}},
        "scheduling": {"nodeSelector": {"sandboxes": "yes"}},
    }
    assert (await sent(http, "POST", CLASSES, made))[0] == 201
    status, found = await sent(http, "POST", PODS, pod("one", "sandboxed"))
    assert (status, found["spec"]["overhead"]) == (201, {"cpu": "10m"})
    assert found["spec"]["nodeSelector"] == {"sandboxes": "yes"}
    _, current = await sent(http, "GET", f"{CLASSES}/sandboxed")
    current["overhead"]["podFixed"]["cpu"] = "20m"
    assert (await sent(http, "PUT", f"{CLASSES}/sandboxed", current))[0] == 200
    _, found = await sent(http, "POST", PODS, pod("two", "sandboxed"))
    assert found["spec"]["overhead"] == {"cpu": "20m"}
    assert (await sent(http, "DELETE", f"{CLASSES}/sandboxed"))[0] == 200
    assert (await sent(http, "POST", PODS, pod("late", "sandboxed")))[0] == 403


async def test_a_pod_that_is_there_is_not_judged_again(http: aiohttp.ClientSession) -> None:
    assert (await sent(http, "POST", CLASSES, {"metadata": {"name": "gone"}, "handler": "runsc"}))[0] == 201
    assert (await sent(http, "POST", PODS, pod("stays", "gone")))[0] == 201
    assert (await sent(http, "DELETE", f"{CLASSES}/gone"))[0] == 200
    _, found = await sent(http, "GET", f"{PODS}/stays")
    found["metadata"]["labels"] = {"a": "b"}
    assert (await sent(http, "PUT", f"{PODS}/stays", found))[0] == 200
