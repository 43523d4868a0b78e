"""Deleting what a selector matches, over gRPC, against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from podlab_testing.cluster import Cluster

from podlab.client.client import Client
from podlab.core.v1 import config_pb2, namespace_pb2, node_pb2, pod_pb2
from podlab.errors import BadRequest, Forbidden, MethodNotAllowed
from podlab.v1 import apiserver_pb2 as pb

pytestmark = pytest.mark.parametrize("backend", ["sqlite", "etcd"])

Make = Callable[..., Any]


async def names(client: Client, kind: Any = config_pb2.ConfigMap, namespace: str = "default") -> set[str]:
    return {item.metadata.name for item in (await client.list(kind, namespace)).items}


async def test_what_the_selectors_match_goes_and_the_rest_stays(admin: Client, config_map: Make) -> None:
    for name, tier in (("a", "front"), ("b", "front"), ("c", "back")):
        wanted = config_map(name)
        wanted.metadata.labels["tier"] = tier
        await admin.create(wanted)
    dry = await admin.delete_collection(config_pb2.ConfigMap, "default", dry_run=True)
    assert [one.object.metadata.name for one in dry] == ["a", "b", "c"]
    assert await names(admin) == {"a", "b", "c"}
    selectors = {"label_selector": "tier=front", "field_selector": "metadata.name!=b"}
    (deleted,) = await admin.delete_collection(config_pb2.ConfigMap, "default", **selectors)
    assert (deleted.object.metadata.name, deleted.removed) == ("a", True)
    assert await names(admin) == {"b", "c"}
    assert len(await admin.delete_collection(config_pb2.ConfigMap, "default")) == 2
    assert await admin.delete_collection(config_pb2.ConfigMap, "default") == []


async def test_each_is_deleted_as_if_it_had_been_named(admin: Client, pod: Make) -> None:
    await admin.create(pod("free"))
    await admin.create(pod("bound", node="n1"))
    deleted = await admin.delete_collection(pod_pb2.Pod, "default", grace_period_s=7)
    assert {one.object.metadata.name: one.removed for one in deleted} == {"bound": False, "free": True}
    held = await admin.get(pod_pb2.Pod, "bound", "default")
    assert held.metadata.deletionGracePeriodSeconds == 7
    await admin.delete_collection(pod_pb2.Pod, "default", propagation=pb.PROPAGATION_POLICY_FOREGROUND)
    assert list((await admin.get(pod_pb2.Pod, "bound", "default")).metadata.finalizers) == ["foregroundDeletion"]


async def test_many_large_objects_go_and_arrive_in_several_messages(admin: Client, config_map: Make) -> None:
    await asyncio.gather(*(admin.create(config_map(f"c{number}", text="x" * 300_000)) for number in range(40)))
    deleted = await admin.delete_collection(config_pb2.ConfigMap, "default")
    assert len({one.object.metadata.name for one in deleted}) == 40
    assert await names(admin) == set()


async def test_two_who_delete_the_same_at_once_both_get_through(admin: Client, config_map: Make) -> None:
    await asyncio.gather(*(admin.create(config_map(f"c{number}")) for number in range(20)))
    both = await asyncio.gather(*(admin.delete_collection(config_pb2.ConfigMap, "default") for _ in range(2)))
    assert len(both[0]) + len(both[1]) == 20


async def test_what_cannot_be_deleted_so_is_refused(cluster: Cluster, admin: Client) -> None:
    with pytest.raises(MethodNotAllowed, match="delete each namespace"):
        await admin.delete_collection(namespace_pb2.Namespace)
    with pytest.raises(MethodNotAllowed, match="pods are deleted in one namespace at a time"):
        await admin.delete_collection(pod_pb2.Pod)
    with pytest.raises(BadRequest):
        await admin.delete_collection(pod_pb2.Pod, "default", label_selector="a in")
    assert await admin.delete_collection(node_pb2.Node) == []
    for user in ("jane", "system:node:n1", "system:kube-scheduler"):
        with pytest.raises(Forbidden, match='cannot deletecollection resource "pods"'):
            await (await cluster.client(user)).delete_collection(pod_pb2.Pod, "default")
