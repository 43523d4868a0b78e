"""Namespaces go when they are empty, and are emptied first."""

from __future__ import annotations

from podlab_testing.cluster_view import ClusterView
from podlab_testing.fake_nodes import FakeNodes

from master.controllers.settings import ControllersSettings
from podlab.api.objects import condition
from podlab.apiregistration.v1.apiservice_pb2 import APIService
from podlab.core.v1 import config_pb2, namespace_pb2, pod_pb2
from podlab.errors import NotFound


async def fill(seen: ClusterView, *, finalizer: str = "") -> None:
    namespace = namespace_pb2.Namespace()
    namespace.metadata.name = "team"
    await seen.client.create(namespace)
    config = config_pb2.ConfigMap(data={"colour": "green"})
    config.metadata.name, config.metadata.namespace = "settings", "team"
    if finalizer:
        config.metadata.finalizers.append(finalizer)
    await seen.client.create(config)
    pod = pod_pb2.Pod()
    pod.metadata.name, pod.metadata.namespace = "web", "team"
    pod.spec.containers.add(name="main", image="hello:1.0")
    await seen.client.create(pod)
    await seen.until(
        lambda: (found := seen.informers.pods.get("web", "team")) and found.status.phase == "Running", "a running pod"
    )


def gone(seen: ClusterView) -> bool:
    return seen.informers.namespaces.get("team") is None


async def test_a_deleted_namespace_takes_its_content_along(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await fill(seen)
    await seen.client.delete(namespace_pb2.Namespace, "team")
    await seen.until(lambda: gone(seen), "the namespace's end")
    assert not (await seen.client.list(pod_pb2.Pod, "team")).items


async def test_a_finalizer_in_a_namespace_holds_it_and_is_named(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await fill(seen, finalizer="example.com/keep")
    await seen.client.delete(namespace_pb2.Namespace, "team")

    def told() -> str:
        conditions = seen.informers.namespaces.get("team").status.conditions
        held = condition(conditions, "NamespaceFinalizersRemaining")
        return held.message if held is not None else ""

    await seen.until(lambda: "example.com/keep in 1 resource instances" in told(), "the reason")
    await seen.until(lambda: seen.informers.pods.get("web", "team") is None, "the pod's end")
    config = await seen.client.get(config_pb2.ConfigMap, "settings", "team")
    del config.metadata.finalizers[:]
    try:
        await seen.client.update(config)
    except NotFound as error:
        raise AssertionError("the ConfigMap went before its finalizer did") from error
    await seen.until(lambda: gone(seen), "the namespace's end")


async def test_pods_of_a_namespace_go_before_all_else(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    """Conformance: OrderedNamespaceDeletion."""
    await fill(seen)
    pod = await seen.client.get(pod_pb2.Pod, "web", "team")
    pod.metadata.finalizers.append("example.com/keep")
    await seen.client.update(pod)
    await seen.client.delete(namespace_pb2.Namespace, "team")

    def told() -> str:
        conditions = seen.informers.namespaces.get("team").status.conditions
        remaining = condition(conditions, "NamespaceContentRemaining")
        return remaining.message if remaining is not None else ""

    await seen.until(lambda: "pods has 1 resource instances" in told(), "the pod that remains")
    pod = await seen.client.get(pod_pb2.Pod, "web", "team")
    assert pod.metadata.HasField("deletionTimestamp")
    config = await seen.client.get(config_pb2.ConfigMap, "settings", "team")
    assert not config.metadata.HasField("deletionTimestamp")
    del pod.metadata.finalizers[:]
    pod.metadata.resourceVersion = ""
    await seen.client.update(pod)
    await seen.until(lambda: gone(seen), "the namespace's end")


async def test_a_namespace_waits_for_servers_whose_content_nobody_knows(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    spec = {"group": "away.example.com", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 100}
    away = APIService(metadata={"name": "v1.away.example.com"}, spec=spec)
    away.spec.service.namespace, away.spec.service.name = "default", "away"
    await seen.client.create(away)
    await fill(seen)
    await seen.client.delete(namespace_pb2.Namespace, "team")

    def told() -> str:
        found = seen.informers.namespaces.get("team")
        failed = condition(found.status.conditions, "NamespaceDeletionDiscoveryFailure") if found is not None else None
        return failed.message if failed is not None and failed.status == "True" else ""

    await seen.until(lambda: "away.example.com/v1: stale GroupVersion discovery" in told(), "the reason")
    assert not gone(seen)
    await seen.client.delete(APIService, away.metadata.name)
    await seen.until(lambda: gone(seen), "the namespace's end")
