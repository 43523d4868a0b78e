"""Whatever its kind, an object is created, read, listed, watched, patched, printed and deleted, over gRPC and REST."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import aiohttp
import orjson
import pytest
from podlab_testing import builtin_kinds, sample_objects
from podlab_testing.waiting import WITHIN_S

from podlab.api.kinds import Kind
from podlab.client.client import Client
from podlab.errors import NotFound
from podlab.v1 import apiserver_pb2 as pb

# The server itself writes to these: tests/integration/apiserver/customresources and test_aggregation.py have theirs.
WRITTEN_HERE = frozenset({"APIService", "CustomResourceDefinition"})
PLAIN = tuple(kind for kind in builtin_kinds.STORED_VERSIONS if kind.name not in WRITTEN_HERE)
every_kind = pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: f"{kind.name}-{kind.version}")


def path_of(kind: Kind) -> str:
    root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
    return f"{root}/namespaces/default/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"


def body_of(kind: Kind) -> dict[str, Any]:
    return sample_objects.data(kind) | {"apiVersion": kind.api_version}


def name_of(kind: Kind) -> str:
    return str(sample_objects.data(kind)["metadata"]["name"])


async def following(http: aiohttp.ClientSession, path: str, revision: str, name: str) -> AsyncIterator[tuple[str, Any]]:
    query = {"watch": "1", "resourceVersion": revision, "fieldSelector": f"metadata.name={name}"}
    async with http.get(path, params=query) as response:
        async for line in response.content:
            event = orjson.loads(line)
            yield event["type"], event["object"]


# A namespace is emptied before it goes; claims and volumes stay while they may be in use.
HELD = frozenset({"Namespace", "PersistentVolume", "PersistentVolumeClaim"})


@every_kind
async def test_an_object_lives_over_rest(kind: Kind, http: aiohttp.ClientSession) -> None:
    path, name = path_of(kind), name_of(kind)
    async with http.get(path) as listed:
        before = (await listed.json())["metadata"]["resourceVersion"]
    async with http.post(path, json=body_of(kind), params={"fieldValidation": "Strict"}) as created:
        made = await created.json()
        assert created.status == 201, made
    assert (made["kind"], made["apiVersion"], made["metadata"]["name"]) == (kind.name, kind.api_version, name)
    async with http.get(f"{path}/{name}") as got:
        assert await got.json() == made
    async with http.get(path, params={"fieldSelector": f"metadata.name={name}"}) as listed:
        found = await listed.json()
        assert (found["kind"], found["apiVersion"], found["items"]) == (f"{kind.name}List", kind.api_version, [made])
    async with http.get(path, headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}) as printed:
        table = await printed.json()
        assert [one["name"].upper() for one in table["columnDefinitions"]] == builtin_kinds.of(kind).table.columns(
            wide=True
        )
    patch = {"metadata": {"labels": {"tier": "front"}}}
    merge = {"Content-Type": "application/strategic-merge-patch+json"}
    async with http.patch(f"{path}/{name}", data=orjson.dumps(patch), headers=merge) as patched:
        changed = await patched.json()
        assert changed["metadata"]["labels"]["tier"] == "front"
    async with http.put(f"{path}/{name}", json=changed) as replaced:
        assert (await replaced.json())["metadata"]["labels"] == changed["metadata"]["labels"]
    for part in {one.name for one in builtin_kinds.of(kind).served_below} & {"status", "scale"}:
        async with http.get(f"{path}/{name}/{part}") as below:
            assert below.status == 200, part
    async with http.delete(f"{path}/{name}", params={"propagationPolicy": "Background"}) as deleted:
        assert deleted.status == 200, await deleted.text()
    seen: list[str] = []
    async with asyncio.timeout(WITHIN_S), aclosing(following(http, path, before, name)) as events:
        async for event, shown in events:
            assert (shown["kind"], shown["apiVersion"]) == (kind.name, kind.api_version)
            seen.append(event)
            if len(seen) == 3:
                break
    assert seen == ["ADDED", "MODIFIED", "MODIFIED" if kind.name in HELD else "DELETED"]


@every_kind
async def test_those_that_a_selector_takes_are_deleted_together(kind: Kind, http: aiohttp.ClientSession) -> None:
    path, name = path_of(kind), name_of(kind)
    body = body_of(kind)
    body["metadata"] = {**body["metadata"], "labels": {**body["metadata"].get("labels", {}), "run": "this"}}
    async with http.post(path, json=body) as created:
        assert created.status == 201, await created.text()
    query = {"propagationPolicy": "Background"}
    if kind.name == "Namespace":  # has no such verb
        async with http.delete(path, params=query) as refused:
            assert refused.status == 405
        return
    for run, left in (("that", [name]), ("this", [])):
        async with http.delete(path, params={**query, "labelSelector": f"run={run}"}) as deleted:
            found = await deleted.json()
            assert (deleted.status, found["kind"]) == (200, f"{kind.name}List"), found
        async with http.get(path, params={"labelSelector": "run=this"}) as listed:
            items = (await listed.json())["items"]
        kept = [one["metadata"]["name"] for one in items if "deletionTimestamp" not in one["metadata"]]
        assert kept == left


@pytest.mark.parametrize(
    "kind",
    [kind for kind in PLAIN if "status" in {one.name for one in builtin_kinds.of(kind).served_below}],
    ids=lambda kind: f"{kind.name}-{kind.version}",
)
async def test_a_status_is_written_with_what_marks_its_object(kind: Kind, http: aiohttp.ClientSession) -> None:
    path, name = path_of(kind), name_of(kind)
    async with http.post(path, json=body_of(kind)) as created:
        assert created.status == 201, await created.text()
    below = f"{path}/{name}/status"
    patch = {"metadata": {"annotations": {"patched": "yes"}}}
    headers = {"Content-Type": "application/merge-patch+json"}
    async with http.patch(below, json=patch, headers=headers) as patched:
        changed = await patched.json()
        assert changed["metadata"]["annotations"]["patched"] == "yes", changed
    changed["metadata"]["annotations"]["replaced"] = "yes"
    async with http.put(below, json=changed) as replaced:
        found = await replaced.json()
        assert found["metadata"]["annotations"].items() >= {"patched": "yes", "replaced": "yes"}.items(), found
    async with http.get(below) as got:
        assert (await got.json())["metadata"]["annotations"] == found["metadata"]["annotations"]


@every_kind
async def test_an_object_is_applied(kind: Kind, http: aiohttp.ClientSession) -> None:
    name = name_of(kind)
    path, form = f"{path_of(kind)}/{name}", {"Content-Type": "application/apply-patch+yaml"}

    async def apply(body: dict[str, Any], manager: str) -> tuple[int, Any]:
        query = {"fieldManager": manager}
        async with http.patch(path, data=orjson.dumps(body), headers=form, params=query) as response:
            return response.status, await response.json()

    code, made = await apply(body_of(kind), "first")
    assert code == 201, made
    assert await apply(body_of(kind), "first") == (200, made)
    bare = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {"name": name, "labels": {"a": "b"}}}
    code, marked = await apply(bare, "second")
    assert (code, marked["metadata"]["labels"]["a"]) == (200, "b"), marked
    entries = {entry["manager"]: entry["fieldsV1"] for entry in marked["metadata"]["managedFields"]}
    assert entries["second"] == {"f:metadata": {"f:labels": {"f:a": {}}}}
    async with http.delete(path) as deleted:
        assert deleted.status == 200, await deleted.text()


@pytest.mark.parametrize("kind", [kind for kind in PLAIN if kind in builtin_kinds.STORED], ids=lambda kind: kind.name)
async def test_an_object_lives_over_grpc(kind: Kind, admin: Client) -> None:
    namespace, name = "default" if kind.namespaced else "", name_of(kind)
    before = (await admin.list(kind.message, namespace)).resource_version
    made: Any = await admin.create(sample_objects.sample(kind))
    assert made.metadata.uid
    assert await admin.get(kind.message, name, namespace) == made
    listed = await admin.list(kind.message, namespace, field_selector=f"metadata.name={name}")
    assert listed.items == [made]
    merge = pb.PATCH_TYPE_MERGE
    patch = {"metadata": {"labels": {"tier": "front"}}}
    changed: Any = await admin.patch(kind.message, name, namespace, patch=patch, patch_type=merge)
    assert changed.metadata.labels["tier"] == "front"
    assert changed.metadata.generation == made.metadata.generation
    gone = await admin.delete(kind.message, name, namespace, propagation=pb.PROPAGATION_POLICY_BACKGROUND)
    assert gone is (kind.name not in HELD)
    if gone:
        with pytest.raises(NotFound):
            await admin.get(kind.message, name, namespace)
    seen: list[str] = []
    watch = admin.watch(kind.message, before, namespace, field_selector=f"metadata.name={name}")
    async with asyncio.timeout(WITHIN_S), aclosing(watch) as batches:
        async for batch in batches:
            seen += [event.type for event in batch if event.object is not None]
            if len(seen) >= 3:
                break
    assert seen == ["ADDED", "MODIFIED", "DELETED" if gone else "MODIFIED"]
