"""Controllers learn of custom kinds from the API server, and treat their objects as all others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import pytest
from google.protobuf.message import Message
from podlab_testing import custom_kinds
from podlab_testing.cluster import Cluster
from podlab_testing.waiting import WITHIN_S

from master.controllers.framework.informers import Informers
from master.controllers.garbagecollection.garbagecollector.controller import GarbageCollector
from master.controllers.namespaces.namespace import NamespaceController
from master.controllers.namespaces.resourcequota import ResourceQuotaController
from master.controllers.security.clusterroleaggregation import ClusterRoleAggregationController
from podlab.api import definitions
from podlab.api.kinds import Kind
from podlab.api.serializer import codec, custom
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.client.client import Client, WatchEvent
from podlab.client.eventrecorder import EventRecorder
from podlab.core.v1 import config_pb2, namespace_pb2, quota_pb2
from podlab.errors import Forbidden, Invalid, NotFound
from podlab.kinds import builtin
from podlab.kinds.current import CurrentCatalog
from podlab.kinds.custom.definition import resource_of
from podlab.meta.v1 import meta_pb2
from podlab.rbac.v1 import rbac_pb2
from podlab.v1 import apiserver_pb2 as pb


@pytest.fixture
async def client(cluster: Cluster) -> Client:
    return await cluster.client()


async def established(client: Client, name: str) -> CustomResourceDefinition:
    async with asyncio.timeout(WITHIN_S):
        while True:
            found = await client.get(CustomResourceDefinition, name)
            if definitions.is_true(found, definitions.ESTABLISHED):
                return found
            await asyncio.sleep(0.02)


@pytest.fixture
async def crontabs(client: Client) -> Kind:
    """The kind, served from now on."""
    kind = builtin.catalog().resource(CustomResourceDefinition).kind
    await client.create(codec.from_dict(custom_kinds.definition(), kind))
    return resource_of(await established(client, "crontabs.example.com")).kind


def crontab(name: str, namespace: str = "default", content: bytes = b'{"spec":{"replicas":2}}') -> Custom:
    metadata = meta_pb2.ObjectMeta(name=name, namespace=namespace)
    return Custom(metadata=metadata, api_version="example.com/v1", kind="CronTab", content=content)


@pytest.fixture
async def controllers(client: Client) -> AsyncIterator[Informers]:
    informers = Informers(client, CurrentCatalog(builtin.catalog()))
    loops = (
        GarbageCollector(client, informers, EventRecorder(client, "test")),
        NamespaceController(client, informers),
        ResourceQuotaController(client, informers),
        ClusterRoleAggregationController(client, informers),
    )
    tasks = [asyncio.create_task(one.run()) for one in (informers, *loops)]
    await informers.synced()
    yield informers
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_an_object_lives_over_grpc(client: Client, crontabs: Kind) -> None:
    made = await client.create(crontab("my"))
    assert custom.content(made) == {"spec": {"replicas": 2, "image": "busybox"}}
    found: Custom = await client.get(crontabs, "my", "default")
    assert found == made
    patch = {"spec": {"replicas": 3}}
    patched: Custom = await client.patch(crontabs, "my", "default", patch=patch, patch_type=pb.PATCH_TYPE_MERGE)
    assert (custom.content(patched)["spec"]["replicas"], patched.metadata.generation) == (3, 2)
    with pytest.raises(Invalid, match=r"spec\.replicas"):
        await client.create(crontab("bad", content=b'{"spec":{"replicas":99}}'))
    patched.content = b'{"status":{"replicas":1}}'
    assert custom.content(await client.update_status(patched))["status"] == {"replicas": 1}
    seen: list[str] = []
    assert await client.delete(crontabs, "my", "default")
    watch: AsyncIterator[Sequence[WatchEvent[Custom]]] = client.watch(crontabs, made.metadata.resourceVersion)
    async with asyncio.timeout(WITHIN_S):
        async for batch in watch:
            seen += [event.type for event in batch if event.object is not None]
            if "DELETED" in seen:
                break
    assert seen == ["MODIFIED", "MODIFIED", "DELETED"]


async def test_quotas_count_custom_objects(client: Client, crontabs: Kind, controllers: Informers) -> None:
    quota = quota_pb2.ResourceQuota(metadata=meta_pb2.ObjectMeta(name="q", namespace="default"))
    quota.spec.hard["count/crontabs.example.com"].string = "1"
    await client.create(quota)
    await client.create(crontab("one"))
    with pytest.raises(Forbidden, match=r"exceeded quota: q, requested: count/crontabs\.example\.com=1"):
        await client.create(crontab("two"))


async def test_they_go_with_their_owner_and_their_namespace(
    client: Client, controllers: Informers, crontabs: Kind
) -> None:
    await client.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="team")))
    await client.create(crontab("lost", "team"))
    owner = await client.create(crontab("owner"))
    reference = meta_pb2.OwnerReference(
        apiVersion="example.com/v1", kind="CronTab", name="owner", uid=owner.metadata.uid
    )
    owned = config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name="owned", namespace="default"))
    owned.metadata.ownerReferences.append(reference)
    await client.create(owned)
    child = crontab("child")
    child.metadata.ownerReferences.append(reference)
    await client.create(child)
    await client.delete(crontabs, "owner", "default")
    await client.delete(namespace_pb2.Namespace, "team")
    await gone(client, config_pb2.ConfigMap, "owned", "default")
    await gone(client, crontabs, "child", "default")
    await gone(client, namespace_pb2.Namespace, "team")
    await gone(client, crontabs, "lost", "team")


async def test_an_owner_of_a_kind_that_comes_later_is_found_then(client: Client, controllers: Informers) -> None:
    owned = config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name="early", namespace="default"))
    owned.metadata.ownerReferences.add(apiVersion="example.com/v1", kind="CronTab", name="nobody", uid="none")
    await client.create(owned)
    kind = builtin.catalog().resource(CustomResourceDefinition).kind
    await client.create(codec.from_dict(custom_kinds.definition(), kind))
    await gone(client, config_pb2.ConfigMap, "early", "default")


@pytest.mark.parametrize(
    ("part_of", "gives"),
    [("view", ("view", "edit", "admin")), ("edit", ("edit", "admin")), ("admin", ("admin",))],
)
async def test_the_roles_of_every_cluster_take_in_rights_to_custom_kinds(
    client: Client, cluster: Cluster, controllers: Informers, crontabs: Kind, part_of: str, gives: tuple[str, ...]
) -> None:
    part = rbac_pb2.ClusterRole(metadata=meta_pb2.ObjectMeta(name="crontabs"))
    part.metadata.labels[f"rbac.authorization.k8s.io/aggregate-to-{part_of}"] = "true"
    part.rules.add(verbs=["create"], apiGroups=["example.com"], resources=["crontabs"])
    await client.create(part)
    for role in ("view", "edit", "admin"):
        binding = rbac_pb2.RoleBinding(metadata=meta_pb2.ObjectMeta(name=role, namespace="default"))
        binding.roleRef.kind, binding.roleRef.name = "ClusterRole", role
        binding.subjects.add(kind="User", name=f"who-{role}")
        await client.create(binding)
    for role in gives:
        await allowed(await cluster.client(f"who-{role}"), crontab(role))
    for role in {"view", "edit", "admin"} - set(gives):
        with pytest.raises(Forbidden, match=r'cannot create resource "crontabs" in API group "example\.com"'):
            await (await cluster.client(f"who-{role}")).create(crontab(role))


async def allowed(user: Client, wanted: Custom) -> None:
    """Returns once the user may create it."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            try:
                await user.create(wanted)
            except Forbidden:
                await asyncio.sleep(0.05)
            else:
                return


async def gone(client: Client, kind: Kind | type[Message], name: str, namespace: str = "") -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            try:
                found: object = await client.get(kind, name, namespace)
            except NotFound:
                return
            assert found is not None
            await asyncio.sleep(0.05)
