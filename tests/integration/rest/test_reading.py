"""Discovery, tables, lists and watches, as bytes on the wire."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from podlab_testing import builtin_kinds
from podlab_testing.cluster import Cluster
from podlab_testing.waiting import WITHIN_S

MAPS = "/api/v1/namespaces/default/configmaps"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
# What Kubernetes' conformance tests look for in every cluster.
EVERYWHERE = {
    "v1": "namespaces",
    "admissionregistration.k8s.io/v1": "validatingwebhookconfigurations",
    "apiextensions.k8s.io/v1": "customresourcedefinitions",
    "apiregistration.k8s.io/v1": "apiservices",
    "apps/v1": "deployments",
    "authentication.k8s.io/v1": "tokenreviews",
    "authorization.k8s.io/v1": "selfsubjectaccessreviews",
    "autoscaling/v1": "horizontalpodautoscalers",
    "autoscaling/v2": "horizontalpodautoscalers",
    "batch/v1": "jobs",
    "certificates.k8s.io/v1": "certificatesigningrequests",
    "coordination.k8s.io/v1": "leases",
    "discovery.k8s.io/v1": "endpointslices",
    "events.k8s.io/v1": "events",
    "flowcontrol.apiserver.k8s.io/v1": "flowschemas",
    "networking.k8s.io/v1": "ingresses",
    "node.k8s.io/v1": "runtimeclasses",
    "policy/v1": "poddisruptionbudgets",
    "rbac.authorization.k8s.io/v1": "clusterroles",
    "resource.k8s.io/v1": "resourceclaims",
    "scheduling.k8s.io/v1": "priorityclasses",
    "storage.k8s.io/v1": "csinodes",
}
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}


async def get(http: aiohttp.ClientSession, path: str, **headers: str) -> Any:
    async with http.get(path, headers=headers) as response:
        assert response.status == 200, await response.text()
        return await response.json(content_type=None)


async def create(http: aiohttp.ClientSession, *names: str) -> list[str]:
    """Their resourceVersions."""
    versions = []
    for name in names:
        async with http.post(MAPS, json={"metadata": {"name": name}, "data": {"a": "b"}}) as response:
            assert response.status == 201, await response.text()
            versions.append((await response.json())["metadata"]["resourceVersion"])
    return versions


async def events(http: aiohttp.ClientSession, query: str, count: int, headers: Any = None) -> list[Any]:
    async with http.get(f"{MAPS}?watch=true&{query}", headers=headers) as response, asyncio.timeout(WITHIN_S):
        assert response.status == 200
        return [json.loads(await response.content.readline()) for _ in range(count)]


async def test_discovery_names_every_kind_and_subresource(http: aiohttp.ClientSession) -> None:
    assert (await get(http, "/api"))["versions"] == ["v1"]
    assert [one["name"] for one in (await get(http, "/apis"))["groups"][:2]] == ["apiregistration.k8s.io", "apps"]
    assert (await get(http, "/apis/apps"))["preferredVersion"]["groupVersion"] == "apps/v1"
    core = {one["name"]: one for one in (await get(http, "/api/v1"))["resources"]}
    assert core["pods"]["shortNames"] == ["po"]
    assert not core["nodes"]["namespaced"]
    assert core["pods/binding"]["verbs"] == ["create"]
    apps = {one["name"]: one for one in (await get(http, "/apis/apps/v1"))["resources"]}
    assert (apps["deployments/scale"]["group"], apps["deployments/scale"]["kind"]) == ("autoscaling", "Scale")


async def test_discovery_in_its_older_and_its_aggregated_form_tells_the_same(http: aiohttp.ClientSession) -> None:
    """As clients find a resource in each group: by the group's preferred version, or all at once."""
    older: dict[str, set[str]] = {}
    for group in (await get(http, "/apis"))["groups"]:
        found = await get(http, f"/apis/{group['name']}")
        assert (found["versions"], found["preferredVersion"]) == (group["versions"], group["preferredVersion"])
        assert group["preferredVersion"] in group["versions"]
        for version in group["versions"]:
            listed = await get(http, f"/apis/{version['groupVersion']}")
            assert listed["groupVersion"] == version["groupVersion"]
            older[version["groupVersion"]] = {one["name"] for one in listed["resources"]}
    older["v1"] = {one["name"] for one in (await get(http, "/api/v1"))["resources"]}
    aggregated: dict[str, set[str]] = {}
    for path in ("/api", "/apis"):
        for group in (await get(http, path, Accept=AGGREGATED))["items"]:
            for version in group["versions"]:
                name = group["metadata"].get("name", "")
                at = f"{name}/{version['version']}" if name else version["version"]
                aggregated[at] = set()
                for one in version["resources"]:
                    # What is below a resource alone has no kind of its own.
                    aggregated[at] |= {one["resource"]} if one.get("responseKind", {}).get("kind") else set()
                    aggregated[at] |= {
                        f"{one['resource']}/{below['subresource']}" for below in one.get("subresources", ())
                    }
    assert aggregated == older
    for at, name in EVERYWHERE.items():
        assert name in older[at]


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
async def test_discovery_tells_all_at_once_to_whom_asks_so(http: aiohttp.ClientSession, version: str) -> None:
    asked = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    async with http.get("/apis", headers={"Accept": f"{asked},application/json"}) as response:
        assert response.headers["Content-Type"] == asked
        found = await response.json(content_type=None)
    (apps,) = (group for group in found["items"] if group["metadata"]["name"] == "apps")
    (deployments,) = (one for one in apps["versions"][0]["resources"] if one["resource"] == "deployments")
    assert deployments["scope"] == "Namespaced"
    assert [one["subresource"] for one in deployments["subresources"]] == ["scale", "status"]


async def test_answers_do_not_tell_with_what_they_were_made(http: aiohttp.ClientSession) -> None:
    for path in (MAPS, f"{MAPS}?watch=1&timeoutSeconds=1", "/nowhere", "/healthz"):
        async with http.get(path) as response:
            assert "Server" not in response.headers


async def test_a_table_has_kubectls_columns_and_the_objects_metadata(http: aiohttp.ClientSession) -> None:
    await create(http, "one")
    table = await get(http, MAPS, **TABLE)
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    (row,) = table["rows"]
    assert row["cells"][:2] == ["one", 1]
    assert row["object"]["kind"] == "PartialObjectMetadata"
    assert "data" not in row["object"]
    whole = await get(http, f"{MAPS}/one?includeObject=Object", **TABLE)
    assert whole["rows"][0]["object"]["data"] == {"a": "b"}


async def test_pages_continue_where_the_last_ended(http: aiohttp.ClientSession) -> None:
    await create(http, "a", "b", "c")
    first = await get(http, f"{MAPS}?limit=2")
    assert first["metadata"]["remainingItemCount"] == 1
    await create(http, "d")
    rest = await get(http, f"{MAPS}?limit=2&continue={first['metadata']['continue']}")
    assert [one["metadata"]["name"] for one in (*first["items"], *rest["items"])] == ["a", "b", "c"]
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_a_list_whose_snapshot_is_gone_goes_on_with_what_there_is(
    http: aiohttp.ClientSession, cluster: Cluster
) -> None:
    await create(http, "a", "b", "d")
    first = await get(http, f"{MAPS}?limit=1")
    await create(http, "c")
    store = cluster.parts.cache.store
    await store.compact(cluster.parts.cache.revision)
    async with http.get(f"{MAPS}?limit=1&continue={first['metadata']['continue']}") as response:
        refused = await response.json()
    assert (response.status, refused["reason"]) == (410, "Expired")
    assert refused["message"].startswith("The provided continue parameter is too old to display a consistent list")
    second = await get(http, f"{MAPS}?limit=2&continue={refused['metadata']['continue']}")
    assert second["metadata"]["resourceVersion"] != first["metadata"]["resourceVersion"]
    assert second["metadata"]["remainingItemCount"] == 1
    third = await get(http, f"{MAPS}?limit=2&continue={second['metadata']['continue']}")
    assert third["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]
    assert [one["metadata"]["name"] for one in (*second["items"], *third["items"])] == ["b", "c", "d"]
    query = f"resourceVersion={first['metadata']['resourceVersion']}&resourceVersionMatch=Exact"
    async with http.get(f"{MAPS}?{query}") as response:
        refused = await response.json()
    assert (response.status, refused["message"], refused["metadata"]) == (
        410,
        "The resourceVersion for the provided list is too old.",
        {},
    )


async def test_a_list_at_an_exact_revision_shows_what_was_there(http: aiohttp.ClientSession) -> None:
    (version,) = await create(http, "a")
    await create(http, "b")
    exact = await get(http, f"{MAPS}?resourceVersion={version}&resourceVersionMatch=Exact")
    assert [one["metadata"]["name"] for one in exact["items"]] == ["a"]
    newer = await get(http, f"{MAPS}?resourceVersion={version}&resourceVersionMatch=NotOlderThan")
    assert len(newer["items"]) == 2


async def test_a_watch_from_a_revision_tells_what_followed(http: aiohttp.ClientSession) -> None:
    (version, _) = await create(http, "a", "b")
    async with http.delete(f"{MAPS}/a") as response:
        assert (await response.json())["status"] == "Success"
    seen = await events(http, f"resourceVersion={version}", 2)
    assert [(one["type"], one["object"]["metadata"]["name"]) for one in seen] == [("ADDED", "b"), ("DELETED", "a")]
    assert int(seen[1]["object"]["metadata"]["resourceVersion"]) > int(version)


async def test_initial_events_end_with_a_bookmark_that_says_so(http: aiohttp.ClientSession) -> None:
    await create(http, "a")
    query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    added, bookmark = await events(http, query, 2)
    assert (added["type"], bookmark["type"]) == ("ADDED", "BOOKMARK")
    assert bookmark["object"]["kind"] == "ConfigMap"
    assert bookmark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


@pytest.mark.parametrize("path", [f"{MAPS}?watch=true&", "/api/v1/watch/namespaces/default/configmaps?"])
async def test_a_watch_comes_over_a_websocket_too_an_event_a_message(http: aiohttp.ClientSession, path: str) -> None:
    (version, _) = await create(http, "a", "b")
    query = f"resourceVersion={version}&timeoutSeconds=1"
    async with http.ws_connect(f"{path}{query}") as socket, asyncio.timeout(WITHIN_S):
        seen = [json.loads(message.data) async for message in socket]
    assert [(one["type"], one["object"]["metadata"]["name"]) for one in seen] == [("ADDED", "b")]


async def test_a_watch_of_tables_tells_the_columns_once(http: aiohttp.ClientSession) -> None:
    await create(http, "a", "b")
    first, second = await events(http, "", 2, TABLE)
    assert first["object"]["columnDefinitions"]
    assert second["object"]["columnDefinitions"] is None
    assert second["object"]["rows"][0]["cells"][0] == "b"


async def test_a_watch_that_begins_too_early_is_told_gone(http: aiohttp.ClientSession, cluster: Cluster) -> None:
    await create(http, "a", "b")
    cluster.parts.cache.window(builtin_kinds.named("ConfigMap")).drop(0, cluster.parts.cache.revision)
    (event,) = await events(http, "resourceVersion=1", 1)
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


async def test_a_watch_ends_after_its_time(http: aiohttp.ClientSession) -> None:
    async with http.get(f"{MAPS}?watch=1&timeoutSeconds=1") as response, asyncio.timeout(WITHIN_S):
        assert await response.read() == b""
