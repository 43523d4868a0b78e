"""A kind that is added while the server and the controllers run is a kind as all others are; its name is another's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from podlab_testing import added_kinds
from podlab_testing.cluster import Cluster
from podlab_testing.http_clients import tls_of
from podlab_testing.waiting import WITHIN_S

from master.controllers.framework.informers import Informers
from master.controllers.garbagecollection.garbagecollector.controller import GarbageCollector
from master.controllers.namespaces.namespace import NamespaceController
from podlab.api.objects import key
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.core.v1 import config_pb2, namespace_pb2, quota_pb2
from podlab.errors import Forbidden, Invalid, NotFound
from podlab.kinds import builtin
from podlab.kinds.current import CurrentCatalog
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2 as pb
from podlab.v1 import apiserver_pb2_grpc

RESOURCE = added_kinds.deployment()
KIND = RESOURCE.kind
PATH = "/apis/example.test/v1/namespaces/default/deployments"


def made(name: str, namespace: str = "default", colour: str = "red") -> Any:
    return KIND.message(metadata={"name": name, "namespace": namespace}, spec={"colour": colour})  # type: ignore[call-arg]


@pytest.fixture
def served(cluster: Cluster) -> CurrentCatalog:
    """The kinds of the server that runs; there is one more from now on."""
    assert cluster.parts is not None
    kinds = cluster.parts.cache.kinds
    kinds.add(RESOURCE)
    return kinds


@pytest.fixture
async def http(cluster: Cluster) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=tls_of(cluster, "kubernetes-admin"))
    async with aiohttp.ClientSession(f"https://127.0.0.1:{cluster.settings.rest_port}", connector=connector) as session:
        yield session


async def test_it_lives_over_grpc(cluster: Cluster, served: CurrentCatalog) -> None:
    client = await cluster.client()
    with pytest.raises(Invalid, match=r"spec\.colour"):
        await client.create(made("web", colour=""))
    before = (await client.list(KIND.message)).resource_version
    created = await client.create(made("web"))
    assert (created.spec.size, created.metadata.generation) == (1, 1)
    assert await client.get(KIND.message, "web", "default") == created
    assert (await client.list(KIND.message, "default", field_selector="spec.colour=red")).items == [created]
    blue = {"spec": {"colour": "blue"}}
    patched = await client.patch(KIND.message, "web", "default", patch=blue, patch_type=pb.PATCH_TYPE_MERGE)
    assert (patched.spec.colour, patched.metadata.generation) == ("blue", 2)
    patched.status.phase = "Done"
    assert (await client.update_status(patched)).status.phase == "Done"
    assert await client.delete(KIND.message, "web", "default")
    seen: list[str] = []
    async with asyncio.timeout(WITHIN_S):
        async for batch in client.watch(KIND.message, before):
            seen += [event.type for event in batch]
            if "DELETED" in seen:
                break
    assert seen == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]


async def test_it_lives_over_rest_and_is_discovered(http: aiohttp.ClientSession, served: CurrentCatalog) -> None:
    body = {
        "apiVersion": "example.test/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"colour": "red"},
    }
    async with http.post(PATH, json=body) as answer:
        assert answer.status == 201, await answer.text()
        assert (await answer.json())["spec"] == {"colour": "red", "size": 1}
    patch = {"Content-Type": "application/merge-patch+json"}
    async with http.patch(f"{PATH}/web", json={"spec": {"size": 3}}, headers=patch) as answer:
        assert (await answer.json())["spec"]["size"] == 3
    async with http.get(PATH) as answer:
        assert [one["metadata"]["name"] for one in (await answer.json())["items"]] == ["web"]
    async with http.get("/apis/example.test/v1") as answer:
        found = {one["name"]: one["kind"] for one in (await answer.json())["resources"]}
        assert found == {"deployments": "Deployment", "deployments/status": "Deployment"}
    async with http.get("/openapi/v3") as answer:
        assert "apis/example.test/v1" in (await answer.json())["paths"]
    async with http.delete(f"{PATH}/web") as answer:
        assert answer.status == 200
    served.remove(KIND.group_kind)
    async with http.get(PATH) as answer:
        assert answer.status == 404


async def test_its_own_strategy_and_columns_are_asked(http: aiohttp.ClientSession, served: CurrentCatalog) -> None:
    body = {"apiVersion": "example.test/v1", "kind": "Deployment", "metadata": {"name": "web"}}
    async with http.post(PATH, json=body | {"spec": {"colour": "mauve"}}) as answer:
        assert "mauve will not be served for ever" in answer.headers["Warning"]
        assert (await answer.json())["metadata"]["annotations"] == {"example.test/author": "kubernetes-admin"}
    async with http.get(PATH, headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}) as answer:
        table = await answer.json()
    assert [one["name"] for one in table["columnDefinitions"]] == ["Name", "Colour", "Age"]
    assert [row["cells"][:2] for row in table["rows"]] == [["web", "mauve"]]
    patch = {"Content-Type": "application/merge-patch+json"}
    async with http.patch(f"{PATH}/web", json={"spec": {"colour": "held"}}, headers=patch) as answer:
        assert answer.status == 200
    async with http.delete(f"{PATH}/web") as answer:
        assert "deletionTimestamp" in (await answer.json())["metadata"]
    async with http.patch(f"{PATH}/web", json={"spec": {"colour": "red"}}, headers=patch) as answer:
        assert answer.status == 200
    async with http.get(f"{PATH}/web") as answer:
        assert answer.status == 404


async def test_kinds_of_one_name_live_side_by_side(cluster: Cluster, served: CurrentCatalog) -> None:
    client = await cluster.client()
    workload = Deployment(metadata=meta_pb2.ObjectMeta(name="web", namespace="default"))
    workload.spec.selector.matchLabels["app"] = workload.spec.template.metadata.labels["app"] = "web"
    workload.spec.template.spec.containers.add(name="c", image="i")
    theirs, ours = await client.create(workload), await client.create(made("web"))
    assert key(theirs) != key(ours)
    assert await client.get(Deployment, "web", "default") == theirs
    assert await client.get(KIND.message, "web", "default") == ours
    # Releases before did not say the group: theirs is meant.
    stub: Any = apiserver_pb2_grpc.ApiServerStub(client.channel)  # type: ignore[no-untyped-call]
    old = await stub.Get(pb.GetRequest(kind="Deployment", namespace="default", name="web"))
    assert old.object.deployment == theirs
    listed = await stub.List(pb.ListRequest(kind="Deployment", namespace="default"))
    assert [one.WhichOneof("kind") for one in listed.items] == ["deployment"]


async def test_objects_stay_while_their_kind_is_not_served(cluster: Cluster, served: CurrentCatalog) -> None:
    client = await cluster.client()
    created = await client.create(made("web"))
    served.remove(KIND.group_kind)
    with pytest.raises(NotFound):
        await client.get(KIND.message, "web", "default")
    served.add(RESOURCE)
    assert await client.get(KIND.message, "web", "default") == created


async def test_quotas_count_it(cluster: Cluster, served: CurrentCatalog) -> None:
    client = await cluster.client()
    quota = quota_pb2.ResourceQuota(metadata=meta_pb2.ObjectMeta(name="q", namespace="default"))
    quota.spec.hard["count/deployments.example.test"].string = "1"
    await client.create(quota)
    await client.create(made("one"))
    with pytest.raises(Forbidden, match="exceeded quota"):
        await client.create(made("two"))


async def test_it_is_collected_with_its_owner_and_its_namespace(cluster: Cluster, served: CurrentCatalog) -> None:
    client = await cluster.client()
    catalog = CurrentCatalog(builtin.catalog())
    informers = Informers(client, catalog)
    loops = (GarbageCollector(client, informers, EventRecorder(client, "test")), NamespaceController(client, informers))
    tasks = [asyncio.create_task(one.run()) for one in (informers, *loops)]
    await informers.synced()
    catalog.add(RESOURCE)
    await client.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="team")))
    await client.create(made("lost", "team"))
    owner = await client.create(made("owner"))
    owned = config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name="owned", namespace="default"))
    owned.metadata.ownerReferences.add(
        apiVersion=KIND.api_version, kind=KIND.name, name="owner", uid=owner.metadata.uid
    )
    await client.create(owned)
    before = (await client.list(KIND.message)).resource_version
    await client.delete(KIND.message, "owner", "default")
    await client.delete(namespace_pb2.Namespace, "team")
    await deleted_after(before, client, config_pb2.ConfigMap, "owned")
    await deleted_after(before, client, namespace_pb2.Namespace, "team")
    assert not await is_there(client, KIND.message, "lost", "team")
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def deleted_after(revision: str, client: Client, kind: Any, name: str) -> None:
    """Returns once an object of that name has been deleted since."""
    async with asyncio.timeout(WITHIN_S):
        async for batch in client.watch(kind, revision, field_selector=f"metadata.name={name}"):
            if any(event.type == "DELETED" for event in batch):
                return


async def is_there(client: Client, kind: Any, name: str, namespace: str) -> bool:
    try:
        await client.get(kind, name, namespace)
    except NotFound:
        return False
    return True
