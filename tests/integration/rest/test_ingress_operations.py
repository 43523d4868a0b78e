"""What Kubernetes' conformance tests ask of Ingresses and IngressClasses: `should support ... API operations`."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
import pytest
from podlab_testing import builtin_kinds, sample_objects

GROUP = "/apis/networking.k8s.io/v1"
MERGE = {"Content-Type": "application/merge-patch+json"}


async def answer(http: aiohttp.ClientSession, method: str, path: str, body: Any = None, **headers: str) -> Any:
    data = orjson.dumps(body) if body is not None else None
    headers = {"Content-Type": "application/json", **headers}
    async with http.request(method, path, data=data, headers=headers) as response:
        found = await response.json()
    assert response.status in (200, 201), found
    return found


async def watched(response: aiohttp.ClientResponse) -> list[str]:
    """Types of events, up to the deletion."""
    types: list[str] = []
    while not types or types[-1] != "DELETED":
        types.append(orjson.loads(await response.content.readline())["type"])
    return types


@pytest.mark.parametrize(
    ("kind", "path"),
    [("Ingress", f"{GROUP}/namespaces/default/ingresses"), ("IngressClass", f"{GROUP}/ingressclasses")],
)
async def test_every_operation_of_the_api_is_there(http: aiohttp.ClientSession, kind: str, path: str) -> None:
    discovered = await answer(http, "GET", GROUP)
    verbs = {each["name"]: set(each["verbs"]) for each in discovered["resources"]}
    plural = path.rpartition("/")[2]
    assert verbs[plural] == {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}

    sample = sample_objects.data(builtin_kinds.named(kind))
    for name in ("one", "two", "three"):
        await answer(http, "POST", path, {**sample, "metadata": {"name": name, "labels": {"special": "yes"}}})
    listed = await answer(http, "GET", f"{path}?labelSelector=special%3Dyes")
    assert sorted(each["metadata"]["name"] for each in listed["items"]) == ["one", "three", "two"]
    if kind == "Ingress":
        everywhere = await answer(http, "GET", f"{GROUP}/ingresses?labelSelector=special%3Dyes")
        assert len(everywhere["items"]) == 3

    since = listed["metadata"]["resourceVersion"]
    async with http.get(f"{path}?watch=1&resourceVersion={since}&fieldSelector=metadata.name%3Done") as watch:
        patch = {"metadata": {"annotations": {"patched": "true"}}}
        patched = await answer(http, "PATCH", f"{path}/one", patch, **MERGE)
        assert patched["metadata"]["annotations"] == {"patched": "true"}
        patched["metadata"]["annotations"]["updated"] = "true"
        await answer(http, "PUT", f"{path}/one", patched)
        found = await answer(http, "GET", f"{path}/one")
        assert found["metadata"]["annotations"] == {"patched": "true", "updated": "true"}
        await answer(http, "DELETE", f"{path}/one")
        assert await watched(watch) == ["MODIFIED", "MODIFIED", "DELETED"]
    await answer(http, "DELETE", f"{path}?labelSelector=special%3Dyes")
    assert (await answer(http, "GET", path))["items"] == []
