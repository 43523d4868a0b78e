"""Who gets in, and what they may touch there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from podlab_testing.cluster import Cluster

from podlab.client.client import Client
from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import config_pb2, event_pb2, namespace_pb2, node_pb2, pod_pb2, service_pb2
from podlab.errors import Forbidden, NotFound, ServiceUnavailable
from podlab.meta.v1 import meta_pb2

Make = Callable[..., Any]


async def test_a_stranger_is_refused_in_kubernetes_words(cluster: Cluster) -> None:
    stranger = await cluster.client("jane")
    with pytest.raises(Forbidden) as refused:
        await stranger.get(pod_pb2.Pod, "web", "default")
    assert str(refused.value) == (
        'pods "web" is forbidden: User "jane" cannot get resource "pods" in API group "" in the namespace "default"'
    )
    answer = await stranger.version()
    assert (answer.user_name, answer.cluster_name) == ("jane", "test")
    assert list(answer.user_groups) == ["system:authenticated", "users"]


async def test_certificates_of_another_authority_and_plain_text_are_refused(cluster: Cluster, tmp_path: Path) -> None:
    foreign = type(cluster.authority)(tmp_path / "foreign").tls("kubernetes-admin", "system:masters")
    foreign = type(foreign)(cluster.authority.tls().ca, foreign.cert, foreign.key)
    async with Client(cluster.server, foreign) as client:
        with pytest.raises(ServiceUnavailable):
            await client.version()
    async with grpc.aio.insecure_channel(cluster.server) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await channel.unary_unary("/podlab.v1.ApiServer/Version")(b"", timeout=2)


async def test_a_node_lives_on_its_own_objects(cluster: Cluster, admin: Client, pod: Make, node: Make) -> None:
    kubelet = await cluster.client("system:node:n1")
    created = await kubelet.create(node("n1"))
    assert created.status.addresses
    await kubelet.update_status(created)
    lease = lease_pb2.Lease(metadata=meta_pb2.ObjectMeta(name="n1", namespace="kube-node-lease"))
    await kubelet.update(await kubelet.create(lease))
    mine = await admin.create(pod("mine", node="n1"))
    listed = await kubelet.list(pod_pb2.Pod, field_selector="spec.nodeName=n1")
    assert [one.metadata.name for one in listed.items] == ["mine"]
    mine.status.phase = "Running"
    await kubelet.update_status(mine)
    await kubelet.delete(pod_pb2.Pod, "mine", "default", grace_period_s=0)
    with pytest.raises(NotFound):
        await kubelet.delete(pod_pb2.Pod, "mine", "default", grace_period_s=0)
    await kubelet.list(service_pb2.Service)
    await kubelet.create(event_pb2.Event(metadata=meta_pb2.ObjectMeta(name="e", namespace="default")), dry_run=True)


async def test_a_node_touches_nothing_of_others(cluster: Cluster, admin: Client, pod: Make, node: Make) -> None:
    kubelet = await cluster.client("system:node:n1")
    theirs = await admin.create(pod("theirs", node="n2"))
    lease = lease_pb2.Lease(metadata=meta_pb2.ObjectMeta(name="n2", namespace="kube-node-lease"))
    refused = (
        kubelet.create(node("n2")),
        kubelet.create(lease),
        kubelet.create(pod("new", node="n1")),
        kubelet.list(pod_pb2.Pod),
        kubelet.list(pod_pb2.Pod, field_selector="spec.nodeName=n2"),
        kubelet.list(pod_pb2.Pod, field_selector="spec.nodeName!=n2"),
        kubelet.get(pod_pb2.Pod, "theirs", "default"),
        kubelet.update(theirs),
        kubelet.update_status(theirs),
        kubelet.delete(pod_pb2.Pod, "theirs", "default"),
        kubelet.list(config_pb2.Secret),
        kubelet.delete(namespace_pb2.Namespace, "default"),
    )
    for call in refused:
        with pytest.raises(Forbidden):
            await call


async def test_a_node_reads_the_secrets_of_its_own_pods_only(cluster: Cluster, admin: Client, pod: Make) -> None:
    kubelet, other = await cluster.client("system:node:n1"), await cluster.client("system:node:n2")
    secret = config_pb2.Secret(metadata=meta_pb2.ObjectMeta(name="key", namespace="default"))
    await admin.create(secret)
    user = pod("user", node="n1")
    user.spec.volumes.add(name="v").volumeSource.secret.secretName = "key"
    with pytest.raises(Forbidden):
        await kubelet.get(config_pb2.Secret, "key", "default")
    await admin.create(user)
    await kubelet.get(config_pb2.Secret, "key", "default")
    with pytest.raises(Forbidden):
        await other.get(config_pb2.Secret, "key", "default")
    await admin.delete(pod_pb2.Pod, "user", "default", grace_period_s=0)
    with pytest.raises(Forbidden):
        await kubelet.get(config_pb2.Secret, "key", "default")


async def test_a_node_cannot_make_itself_look_like_another(
    cluster: Cluster, admin: Client, pod: Make, node: Make
) -> None:
    kubelet = await cluster.client("system:node:n1")
    mine = node("n1")
    mine.spec.taints.add(key="reserved", effect="NoSchedule")
    mine = await kubelet.create(mine)
    mine.metadata.labels["disk"] = "ssd"
    mine = await kubelet.update(mine)
    mine.metadata.labels["node-role.kubernetes.io/control-plane"] = ""
    with pytest.raises(Forbidden) as refused:
        await kubelet.update(mine)
    assert str(refused.value) == (
        'nodes "n1" is forbidden: is not allowed to modify labels: node-role.kubernetes.io/control-plane'
    )
    await admin.update(mine)
    untainted = await kubelet.get(node_pb2.Node, "n1")
    del untainted.spec.taints[:]
    with pytest.raises(Forbidden, match='node "n1" is not allowed to modify taints'):
        await kubelet.update(untainted)
    with pytest.raises(Forbidden, match='node "n1" can only create mirror pods'):
        await kubelet.create(pod("new", node="n1"))
    mirror = pod("static", node="n1")
    mirror.metadata.annotations["kubernetes.io/config.mirror"] = "x"
    mirror.metadata.ownerReferences.add(apiVersion="v1", kind="Node", name="n1", uid=mine.metadata.uid, controller=True)
    await kubelet.create(mirror)


async def test_components_do_their_work_and_no_more(cluster: Cluster, admin: Client, pod: Make) -> None:
    scheduler = await cluster.client("system:kube-scheduler")
    created = await admin.create(pod("a"))
    await scheduler.update_status(created)
    with pytest.raises(Forbidden):
        await scheduler.create(pod("b"))
    with pytest.raises(Forbidden):
        await scheduler.list(config_pb2.Secret)
    controllers = await cluster.client("system:kube-controller-manager")
    await controllers.delete(pod_pb2.Pod, "a", "default")
    proxy = await cluster.client("system:kube-proxy")
    await proxy.list(node_pb2.Node)
    await proxy.list(pod_pb2.Pod)  # whom NetworkPolicies are about
    with pytest.raises(Forbidden):
        await proxy.list(config_pb2.Secret)
