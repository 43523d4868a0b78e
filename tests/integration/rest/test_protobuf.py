"""Answers in Kubernetes' protobuf form, decoded here by hand: objects, lists, watches, metadata alone, and Statuses."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from google.protobuf.message import Message
from podlab_testing import builtin_kinds, sample_objects
from podlab_testing.protobuf_reading import PROTOBUF, enclosed, items, opened
from podlab_testing.protobuf_reading import event as read_event
from podlab_testing.waiting import WITHIN_S

from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.autoscaling.v1.scale_pb2 import Scale
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.meta.v1 import meta_pb2

ACCEPT = {"Accept": f"{PROTOBUF},application/json"}
OF_META = "g=meta.k8s.io;v=v1"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
JSON_ALONE = "apiextensions.k8s.io"
KINDS = [kind for kind in builtin_kinds.STORED_VERSIONS if kind.group != JSON_ALONE]


def path_of(kind: Kind) -> str:
    root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
    return f"{root}/namespaces/default/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"


def shown(message: Message, kind: Kind) -> dict[str, Any]:
    return {**codec.to_dict(message), "kind": kind.name, "apiVersion": kind.api_version}


async def answered(response: aiohttp.ClientResponse, status: int = 200) -> tuple[str, str, bytes]:
    body = await response.read()
    assert (response.status, response.headers["Content-Type"]) == (status, PROTOBUF), body
    return opened(body)


# Whether they are available is said as soon as they are there.
JUDGED_AT_ONCE = "APIService"


async def settled(http: aiohttp.ClientSession, path: str, kind: Kind) -> dict[str, Any]:
    """The object once the server has said of it what it says by itself."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            async with http.get(path) as response:
                found: dict[str, Any] = await response.json()
            if kind.name != JUDGED_AT_ONCE or found["status"]:
                return found
            await asyncio.sleep(0.02)


def as_created(found: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """Without what the server may have said of it meanwhile."""
    if kind.name != JUDGED_AT_ONCE:
        return found
    return {**found, "status": None, "metadata": {**found["metadata"], "resourceVersion": "", "managedFields": []}}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.name}-{kind.version}-{kind.group}")
async def test_an_object_of_every_kind_says_in_protobuf_what_it_says_in_json(
    kind: Kind, http: aiohttp.ClientSession
) -> None:
    path, data = path_of(kind), sample_objects.data(kind)
    name = data["metadata"]["name"]
    async with http.post(path, json={**data, "apiVersion": kind.api_version}, headers=ACCEPT) as response:
        api_version, told, raw = await answered(response, 201)
    assert (api_version, told) == (kind.api_version, kind.name)
    wanted = await settled(http, f"{path}/{name}", kind)
    assert as_created(shown(kind.message.FromString(raw), kind), kind) == as_created(wanted, kind)
    async with http.get(path, headers=ACCEPT, params={"fieldSelector": f"metadata.name={name}"}) as response:
        api_version, told, raw = await answered(response)
    metadata, (only,) = items(raw)
    assert (api_version, told) == (kind.api_version, f"{kind.name}List")
    assert metadata.resourceVersion
    assert shown(kind.message.FromString(only), kind) == wanted
    headers = {"Content-Type": PROTOBUF, **ACCEPT}
    body = enclosed(kind.api_version, kind.name, kind.message.FromString(only))
    async with http.put(f"{path}/{name}", data=body, headers=headers) as response:
        assert response.status == 200, await response.read()
    async with http.delete(f"{path}/{name}", params={"propagationPolicy": "Background"}) as response:
        assert response.status == 200


async def test_watches_are_frames_behind_their_length(http: aiohttp.ClientSession) -> None:
    body = {"metadata": {"name": "watched"}, "data": {"a": "b"}}
    async with http.post(CONFIG_MAPS, json=body) as response:
        revision = (await response.json())["metadata"]["resourceVersion"]
    query = {
        "watch": "1", "fieldSelector": "metadata.name=watched", "allowWatchBookmarks": "true",
        "sendInitialEvents": "true", "resourceVersion": revision,
        "resourceVersionMatch": "NotOlderThan", "timeoutSeconds": "60",
    }  # fmt: skip
    async with asyncio.timeout(WITHIN_S), http.get(CONFIG_MAPS, params=query, headers=ACCEPT) as response:
        assert response.headers["Content-Type"] == f"{PROTOBUF};stream=watch"
        added = await event(response)
        ended = await event(response)
        async with http.delete(f"{CONFIG_MAPS}/watched", headers=ACCEPT) as deletion:
            api_version, told, raw = await answered(deletion)
        gone = await event(response)
    assert (added[0], dict(added[1].data)) == ("ADDED", {"a": "b"})
    assert (ended[0], ended[1].metadata.annotations["k8s.io/initial-events-end"]) == ("BOOKMARK", "true")
    assert (gone[0], int(gone[1].metadata.resourceVersion) > int(revision)) == ("DELETED", True)
    status = meta_pb2.Status.FromString(raw)
    assert (api_version, told, status.status, status.details.name) == ("v1", "Status", "Success", "watched")


async def event(response: aiohttp.ClientResponse) -> tuple[str, ConfigMap]:
    told, kind, raw = await read_event(response)
    assert kind == "ConfigMap"
    return told, ConfigMap.FromString(raw)


async def test_a_watch_that_cannot_go_on_ends_with_a_status(http: aiohttp.ClientSession) -> None:
    async with http.get(CONFIG_MAPS, params={"watch": "1", "resourceVersion": "99999999"}, headers=ACCEPT) as response:
        told, kind, raw = await read_event(response)
    assert (told, kind) == ("ERROR", "Status")
    assert meta_pb2.Status.FromString(raw).status == "Failure"


async def test_metadata_alone_has_a_form_of_its_own_and_tables_have_none(http: aiohttp.ClientSession) -> None:
    async with http.post(CONFIG_MAPS, json={"metadata": {"name": "partial"}, "data": {"a": "b"}}):
        pass
    accept = {"Accept": f"{PROTOBUF};as=PartialObjectMetadata;{OF_META}"}
    async with http.get(f"{CONFIG_MAPS}/partial", headers=accept) as response:
        api_version, kind, raw = await answered(response)
    assert (api_version, kind) == ("meta.k8s.io/v1", "PartialObjectMetadata")
    found = ConfigMap.FromString(raw)
    assert (found.metadata.name, dict(found.data)) == ("partial", {})
    accept = {"Accept": f"{PROTOBUF};as=PartialObjectMetadataList;{OF_META}"}
    async with http.get(CONFIG_MAPS, headers=accept, params={"fieldSelector": "metadata.name=partial"}) as response:
        api_version, kind, raw = await answered(response)
    assert (api_version, kind, len(items(raw)[1])) == ("meta.k8s.io/v1", "PartialObjectMetadataList", 1)
    table = f"as=Table;{OF_META}"
    async with http.get(CONFIG_MAPS, headers={"Accept": f"{PROTOBUF};{table}"}) as response:
        assert response.status == 406
    async with http.get(CONFIG_MAPS, headers={"Accept": f"{PROTOBUF};{table},application/json;{table}"}) as response:
        assert (await response.json())["kind"] == "Table"


async def test_small_answers_are_protobuf_too(http: aiohttp.ClientSession) -> None:
    async with http.get(f"{CONFIG_MAPS}/nothing", headers=ACCEPT) as response:
        _, kind, raw = await answered(response, 404)
    status = meta_pb2.Status.FromString(raw)
    assert (kind, status.reason, status.details.kind, status.code) == ("Status", "NotFound", "configmaps", 404)
    replica_set = {**sample_objects.data(builtin_kinds.named("ReplicaSet")), "metadata": {"name": "scaled"}}
    path = "/apis/apps/v1/namespaces/default/replicasets"
    async with http.post(path, json=replica_set) as response:
        assert response.status == 201
    async with http.get(f"{path}/scaled/scale", headers=ACCEPT) as response:
        api_version, kind, raw = await answered(response)
    assert (api_version, kind, Scale.FromString(raw).metadata.name) == ("autoscaling/v1", "Scale", "scaled")


async def test_cbor_is_refused_by_name(http: aiohttp.ClientSession) -> None:
    async with http.get(CONFIG_MAPS, headers={"Accept": "application/cbor"}) as response:
        told = (await response.json())["message"]
    assert response.status == 406
    assert told.startswith(
        f"only the following media types are accepted: application/json, application/yaml, {PROTOBUF}"
    )
    async with http.post(CONFIG_MAPS, data=b"\xa0", headers={"Content-Type": "application/cbor"}) as response:
        assert response.status == 415
        assert "application/cbor" in (await response.json())["message"]


async def test_custom_resource_definitions_are_json(http: aiohttp.ClientSession) -> None:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    async with http.get(path, headers=ACCEPT) as response:
        assert response.headers["Content-Type"] == "application/json"
    async with http.get(path, headers={"Accept": PROTOBUF}) as response:
        assert response.status == 406
