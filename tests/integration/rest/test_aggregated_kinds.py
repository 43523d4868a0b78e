"""Kinds that another API server serves, over gRPC and on the command line: as those that are served here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp
import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.command_line import Podlab, configure
from podlab_testing.extended_cluster import FLUNDERS, Extended, eventually, flunder
from podlab_testing.extension_server import API_VERSION, GROUP, VERSION
from podlab_testing.waiting import WITHIN_S

from podlab.api.kinds import Kind
from podlab.api.serializer import custom
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.client.client import Client, Deletion, Listed, WatchEvent
from podlab.errors import AlreadyExists, Forbidden, NotFound, ServiceUnavailable
from podlab.kinds import builtin
from podlab.kinds.current import CurrentCatalog
from podlab.kinds.custom.served import ServedDefinitions
from podlab.v1 import apiserver_pb2 as pb


async def discovered(admin: Client) -> Kind:
    """Flunders, as clients know them once they have asked."""
    found = CurrentCatalog(builtin.catalog())
    ServedDefinitions(found).take((one.metadata.name, one) for one in await admin.discover())
    return found.catalog.resolve("flunders")


@pytest.fixture
async def flunders(serving: Extended, admin: Client) -> Kind:
    async def is_told() -> bool:
        return bool(await admin.discover())

    await eventually(is_told, "flunders are discovered")
    return await discovered(admin)


@pytest.fixture
def podlab(flunders: Kind, cluster: Cluster, tmp_path: Path) -> Podlab:
    (tmp_path / "user").mkdir()
    return configure(tmp_path / "user", cluster.server, cluster.authority.tls())


def made(name: str, **labels: str) -> Custom:
    found, _ = custom.from_dict(flunder(name, size="small"), API_VERSION, "Flunder")
    found.metadata.namespace = "default"
    found.metadata.labels.update(labels)
    return found


async def test_an_object_lives(flunders: Kind, admin: Client, serving: Extended) -> None:
    assert (flunders.group, flunders.version, flunders.plural) == (GROUP, VERSION, "flunders")
    assert (await admin.list(flunders, "default")).items == []
    before = (await admin.list(flunders)).resource_version
    one = await admin.create(made("one"))
    assert (one.metadata.uid != "", custom.content(one)) == (True, {"spec": {"size": "small"}})
    assert await admin.get(flunders, "one", "default") == one
    with pytest.raises(AlreadyExists):
        await admin.create(made("one"))
    custom.set_content(one, {"spec": {"size": "large"}})
    assert custom.content(await admin.update(one)) == {"spec": {"size": "large"}}
    patch = {"metadata": {"labels": {"a": "b"}}}
    patched: Custom = await admin.patch(flunders, "one", "default", patch=patch, patch_type=pb.PATCH_TYPE_MERGE)
    assert dict(patched.metadata.labels) == {"a": "b"}
    await admin.create(made("two"))
    labelled: Listed[Custom] = await admin.list(flunders, label_selector="a=b")
    assert [each.metadata.name for each in labelled.items] == ["one"]
    assert await admin.delete(flunders, "one", "default") is True
    with pytest.raises(NotFound, match='"one" not found'):
        await admin.get(flunders, "one", "default")
    seen: list[str] = []
    watch: AsyncIterator[Sequence[WatchEvent[Custom]]] = admin.watch(flunders, before, "default")
    async with asyncio.timeout(WITHIN_S):
        async for batch in watch:
            seen += [f"{event.type} {event.object.metadata.name}" for event in batch if event.object is not None]
            if "DELETED one" in seen:
                break
    assert seen == ["ADDED one", "MODIFIED one", "MODIFIED one", "ADDED two", "DELETED one"]
    assert {asked["user"] for asked in serving.asked} == {"kubernetes-admin"}


async def test_those_that_a_selector_takes_go_together(flunders: Kind, admin: Client) -> None:
    for name, label in (("one", "x"), ("two", "y"), ("three", "x")):
        await admin.create(made(name, of=label))
    deleted: Sequence[Deletion[Custom]] = await admin.delete_collection(flunders, "default", label_selector="of=x")
    assert sorted(one.object.metadata.name for one in deleted) == ["one", "three"]
    left: Listed[Custom] = await admin.list(flunders)
    assert [one.metadata.name for one in left.items] == ["two"]


async def test_rights_are_asked_here(flunders: Kind, cluster: Cluster, serving: Extended) -> None:
    joe = await cluster.client("joe")
    asked = len(serving.asked)
    with pytest.raises(Forbidden, match=r'cannot list resource "flunders" in API group "wardle\.example\.com"'):
        await joe.list(flunders, "default")
    assert len(serving.asked) == asked


async def test_a_server_that_is_gone_is_told_of(flunders: Kind, admin: Client, serving: Extended) -> None:
    path = "/api/v1/namespaces/default/services/wardle"
    async with serving.http.delete(path) as response:
        assert response.status == 200
    await serving.becomes("False", "ServiceNotFound")
    with pytest.raises(ServiceUnavailable, match=r"flunders\.wardle\.example\.com is not available"):
        await admin.list(flunders, "default")


async def test_the_command_line_knows_them(podlab: Podlab, http: aiohttp.ClientSession) -> None:
    async with http.post(FLUNDERS, json=flunder("one", size="small")) as response:
        assert response.status == 201
    assert "one" in await podlab.ok("get", "flunders")
    assert "size: small" in await podlab.ok("get", "flunder/one", "-o", "yaml")
    assert "flunders" in await podlab.ok("api-resources")
    podlab.write(
        "two.yaml", "apiVersion: wardle.example.com/v1alpha1\nkind: Flunder\nmetadata: {name: two}\nspec: {a: b}\n"
    )
    assert "created" in await podlab.ok("apply", "-f", "two.yaml")
    assert "unchanged" in await podlab.ok("apply", "-f", "two.yaml")
    await podlab.ok("delete", "flunder", "two")
    assert "two" not in await podlab.ok("get", "flunders")
